package license

import "strings"

// licence is told by what its text has to have and what it must not.
type licence struct {
	id        string
	has, hasn []string
}

// is takes normal words with a blank at both ends.
func (l licence) is(words string) bool {
	for _, s := range l.has {
		if !strings.Contains(words, " "+s+" ") {
			return false
		}
	}
	for _, s := range l.hasn {
		if strings.Contains(words, " "+s+" ") {
			return false
		}
	}
	return true
}

// additions are terms that people put before or after a known licence, which
// make it another one.
var additions = []string{"commons clause", "non commercial use only", "additional restrictions apply"}

// Sentences that several licences share.
const (
	grant     = "permission is hereby granted free of charge to any person obtaining a copy"
	notice    = "the above copyright notice and this permission notice shall be included"
	asIs      = "the software is provided as is"
	binary    = "redistributions in binary form must reproduce the above copyright notice"
	source    = "redistributions of source code must retain the above copyright notice"
	promote   = "may be used to endorse or promote products derived from this software"
	anyUse    = "permission to use copy modify and or distribute this software for any purpose"
	allCopies = "provided that the above copyright notice and this permission notice appear in all copies"
)

var licences = []licence{
	{"MIT", []string{grant, notice, asIs}, []string{"distribute with modifications"}},
	{"MIT-0", []string{grant, asIs}, []string{notice, "the above copyright notice"}},
	{"Apache-2.0", []string{"apache license version 2 0", "terms and conditions for use reproduction and distribution"}, nil},
	{"BSD-2-Clause", []string{source, binary}, []string{promote, "all advertising materials mentioning", "neither the name"}},
	{"BSD-3-Clause", []string{source, binary, promote}, []string{"all advertising materials mentioning"}},
	{"BSD-4-Clause", []string{source, binary, "all advertising materials mentioning"}, nil},
	{"ISC", []string{anyUse, allCopies}, nil},
	{"0BSD", []string{anyUse, asIs}, []string{allCopies}},
	{"Unlicense", []string{"this is free and unencumbered software released into the public domain"}, nil},
	{"Zlib", []string{"this software is provided as is without any express or implied warranty", "the origin of this software must not be misrepresented"}, nil},
	{"BSL-1.0", []string{"boost software license version 1 0", "permission is hereby granted free of charge to any person or organization"}, nil},
	{"WTFPL", []string{"do what the fuck you want to public license"}, nil},
	{"GPL-2.0", []string{"gnu general public license version 2 june 1991"}, nil},
	{"LGPL-2.0", []string{"gnu library general public license version 2 june 1991"}, nil},
	{"GPL-3.0", []string{"gnu general public license version 3 29 june 2007", "preamble"}, nil},
	{"AGPL-3.0", []string{"gnu affero general public license version 3 19 november 2007"}, nil},
	{"LGPL-2.1", []string{"gnu lesser general public license version 2 1 february 1999"}, nil},
	{"LGPL-3.0", []string{"gnu lesser general public license version 3 29 june 2007"}, nil},
	{"MPL-2.0", []string{"mozilla public license version 2 0", "covered software"}, nil},
	{"EPL-2.0", []string{"eclipse public license v 2 0", "the accompanying program is provided under the terms of this eclipse public license"}, nil},
	{"EUPL-1.2", []string{"european union public licence v 1 2"}, nil},
	{"CC0-1.0", []string{"cc0 1 0 universal"}, nil},
	{"CC-BY-4.0", []string{"attribution 4 0 international", "creative commons"}, []string{"attribution sharealike 4 0 international", "attribution noncommercial 4 0 international"}},
	{"CC-BY-SA-4.0", []string{"attribution sharealike 4 0 international"}, []string{"attribution noncommercial sharealike 4 0 international"}},
	{"CC-BY-NC-4.0", []string{"attribution noncommercial 4 0 international"}, nil},
	{"CC-BY-NC-SA-4.0", []string{"attribution noncommercial sharealike 4 0 international"}, nil},
	{"BUSL-1.1", []string{"business source license 1 1"}, nil},
	{"Elastic-2.0", []string{"elastic license 2 0"}, nil},
	{"PolyForm-Noncommercial-1.0.0", []string{"polyform noncommercial license 1 0 0"}, nil},
	{"PolyForm-Shield-1.0.0", []string{"polyform shield license 1 0 0"}, nil},
}
