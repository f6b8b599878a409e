package license_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/license"
)

const (
	mit = `Copyright (c) 2026 Ada

Permission is hereby granted, free of charge, to any person obtaining a copy of it, to deal in it.
The above copyright notice and this permission notice shall be included in all copies.
THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND.`
	bsd = `1. Redistributions of source code must retain the above copyright notice, this list.
2. Redistributions in binary form must reproduce the above copyright notice, this list.`
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"MIT", mit, "MIT"},
		{"MIT as a page", "# The MIT License\n\n> " + strings.ReplaceAll(mit, "\n", "\n> "), "MIT"},
		{"MIT without its notice", strings.ReplaceAll(mit, "The above copyright notice and this permission notice shall be included in all copies.", ""), "MIT-0"},
		{"MIT with a condition added", mit + "\n\n\"Commons Clause\" License Condition v1.0", ""},
		{"two licences", mit + "\n\n" + bsd, ""},
		{"two clauses", bsd, "BSD-2-Clause"},
		{"three clauses", bsd + "\n3. Neither the name of it nor those of others may be used to endorse or promote products derived from this software.", "BSD-3-Clause"},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose is granted, provided that the above copyright notice and this permission notice appear in all copies. THE SOFTWARE IS PROVIDED \"AS IS\"", "ISC"},
		{"a tag", "// SPDX-License-Identifier: apache-2.0\n", "Apache-2.0"},
		{"a tag of a GNU licence", "SPDX-License-Identifier: GPL-3.0-or-later", "GPL-3.0"},
		{"a mention only", "This is under the MIT license.", ""},
		{"nothing", "", ""},
		{"no text", "\x00\xff\xfe", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := license.Match(c.text); got != c.want {
				t.Errorf("is %q, want %q", got, c.want)
			}
		})
	}
}

func TestOurOwnLicenceAndThoseOfTheSystemAreKnown(t *testing.T) {
	t.Parallel()
	const system = "/usr/share/common-licenses"
	for name, want := range map[string]string{
		"../../LICENSE": "Apache-2.0", system + "/GPL-2": "GPL-2.0", system + "/GPL-3": "GPL-3.0", system + "/LGPL-2": "LGPL-2.0", system + "/LGPL-2.1": "LGPL-2.1",
		system + "/LGPL-3": "LGPL-3.0", system + "/MPL-2.0": "MPL-2.0", system + "/CC0-1.0": "CC0-1.0", system + "/BSD": "BSD-3-Clause", system + "/GFDL": "",
	} {
		b, err := os.ReadFile(filepath.FromSlash(name))
		if os.IsNotExist(err) && strings.HasPrefix(name, system) {
			continue // only Debian and its like have them
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := license.Match(string(b)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	for declared, want := range map[string]string{"mit": "MIT", " Apache-2.0 ": "Apache-2.0", "GPL-3.0-only": "GPL-3.0", "AGPL-3.0+": "AGPL-3.0", "MIT+": "", "Proprietary": "", "": "", "SEE LICENSE": ""} {
		if got := license.ID(declared); got != want {
			t.Errorf("%q is %q, want %q", declared, got, want)
		}
	}
}
