package quality

import (
	"cmp"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// manifestFile is where a plugin's own manifest is.
const manifestFile = ".claude-plugin/plugin.json"

var manifestRules = []rule{
	{"manifest.valid", 1, 12, "The client's own check passes", valid},
	{"manifest.loads", 1, 12, "It installs and loads whole", loads},
	{"manifest.name", 1, 4, "Its name is in kebab case", nameIsKebab},
	{"manifest.description", 1, 6, "It says what it does", described},
	{"manifest.version", 1, 5, "It has a semantic version", versioned},
	{"manifest.author", 1, 4, "It says who wrote it and how to reach them", authored},
	{"manifest.license", 1, 5, "It names its licence", licensed},
	{"manifest.links", 1, 4, "It leads to its homepage and source", linked},
	{"manifest.keywords", 1, 3, "It has keywords", keyworded},
}

// field points at a field of the manifest, or at the manifest.
func (in Input) field(name string) []plugpack.Evidence {
	if !in.Folder.Manifest {
		return nil // the entry stands for it
	}
	return []plugpack.Evidence{{Path: manifestFile, Line: in.Folder.Lines[name]}}
}

// valid: each warning costs a tenth, and all of them together half at most.
func valid(in Input) result {
	v := in.Facts.Verdicts
	if v == nil || v.Valid == nil {
		return notKnown("the client's check was not made", "")
	}
	errors, warnings := 0, 0
	var evidence []plugpack.Evidence
	first := ""
	for _, f := range v.Faults {
		if f.Severity == plugpack.Error {
			errors++
		} else {
			warnings++
		}
		if *v.Valid || f.Severity == plugpack.Error {
			first = cmp.Or(first, f.Message)
			evidence = append(evidence, plugpack.Evidence{Path: f.File})
		}
	}
	switch {
	case !*v.Valid:
		return earned(0, fmt.Sprintf("client %s finds %s", v.Client, count(errors, "error")), first, evidence...)
	case warnings > 0:
		return earned(1-min(0.5, 0.1*float64(warnings)), fmt.Sprintf("client %s gives %s", v.Client, count(warnings, "warning")), first, evidence...)
	}
	return earned(1, "client "+v.Client+" finds nothing wrong", "")
}

func loads(in Input) result {
	v := in.Facts.Verdicts
	if v == nil || v.Installs == nil {
		return notKnown("it is not known whether it installs", "")
	}
	var evidence []plugpack.Evidence
	for _, l := range v.Lost {
		evidence = append(evidence, plugpack.Evidence{Path: l.Path})
	}
	switch {
	case !*v.Installs:
		return earned(0, "it does not install: "+v.InstallReason, "Try it with the client: /plugin install.", in.field("name")...)
	case v.Load == plugpack.LoadWhole:
		return earned(1, "it installs and every component loads", "")
	case v.Load == plugpack.LoadPartly && len(v.Lost) > 0:
		return earned(0.4, fmt.Sprintf("%s is lost: %s: %s", count(len(v.Lost), "part"), v.Lost[0].Path, v.Lost[0].Reason), "Mend what is lost, or take it out of the manifest.", evidence...)
	case v.Load == plugpack.LoadPartly:
		return earned(0.4, "some components are lost", "Mend what is lost, or take it out of the manifest.")
	case v.Load == plugpack.LoadNone:
		return earned(0, "it installs, but nothing of it loads", "Try it with the client: claude --plugin-dir.", evidence...)
	}
	return notKnown("it is not known whether it loads", "")
}

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// 64 is the longest name that the open standard for skills allows.
func nameIsKebab(in Input) result {
	const fix = "Use small letters, digits and single hyphens, 64 at most; users type it."
	return yesOrNo(kebab.MatchString(in.Name) && len(in.Name) <= 64, "its name is short and easy to type", "its name is not in kebab case or is too long", fix, in.field("name")...)
}

// Below 20 characters a description hardly says more than the name does.
func described(in Input) result {
	const fix = "Say in a sentence or two what it does and for whom."
	switch n := utf8.RuneCountInString(in.Facts.Description); {
	case n == 0:
		return earned(0, "it has no description", fix, in.field("description")...)
	case n < 20:
		return earned(0.5, fmt.Sprintf("its description has only %d characters", n), fix, in.field("description")...)
	}
	return earned(1, "it says what it does", "", in.field("description")...)
}

// semver is semver.org's form; the client compares versions by it.
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

func versioned(in Input) result {
	switch v := in.Facts.Version; {
	case v == "":
		return earned(0, "it has no version", "Declare one in plugin.json, such as 1.0.0, and raise it with every release: the client updates by it.", in.field("version")...)
	case !semver.MatchString(v):
		return earned(0.5, "its version is not of the form 1.2.3", "Write it as major.minor.patch.", in.field("version")...)
	}
	return earned(1, "its version is "+in.Facts.Version, "", in.field("version")...)
}

func authored(in Input) result {
	switch a := in.Facts.Author; {
	case a.Name == "" && a.Email == "" && a.URL == "":
		return earned(0, "it does not say who wrote it", "Name the author in plugin.json.", in.field("author")...)
	case a.Name == "" || a.Email == "" && a.URL == "":
		return earned(0.75, "its author has a name but no address, or the other way round", "Add the author's e-mail or url.", in.field("author")...)
	}
	return earned(1, "it says who wrote it", "", in.field("author")...)
}

// spdx is the form of an SPDX expression.
var spdx = regexp.MustCompile(`^\(?[A-Za-z0-9.+-]+\)?( (AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*$`)

func licensed(in Input) result {
	const fix = "Name it in plugin.json by its SPDX id, such as MIT."
	switch l := in.Facts.License; {
	case l != "" && spdx.MatchString(l):
		return earned(1, "its licence is "+l, "", in.field("license")...)
	case l != "":
		return earned(0.5, "it names a licence, but not by an SPDX id", fix, in.field("license")...)
	case in.Facts.Documents.License != nil && in.Facts.Documents.License.SPDX != "":
		return earned(0.5, "only its licence's file says which it is", fix, in.field("license")...)
	}
	return earned(0, "it names no licence", fix, in.field("license")...)
}

func linked(in Input) result {
	const fix = "Give homepage and repository in plugin.json."
	switch home, source := in.Facts.Homepage != "", in.Facts.Repository != ""; {
	case home && source:
		return earned(1, "it leads to its homepage and its source", "", in.field("homepage")...)
	case home || source:
		return earned(0.75, "it leads to its homepage or its source, not to both", fix, in.field("homepage")...)
	}
	return earned(0, "it leads nowhere from where more could be learnt", fix, in.field("homepage")...)
}

// Three are enough to be found by what it does, what with and for whom.
func keyworded(in Input) result {
	switch n := len(in.Facts.Keywords); {
	case n == 0:
		return earned(0, "it has no keywords", "Give three or more, as users would search for them.", in.field("keywords")...)
	case n < 3:
		return earned(0.5, "it has only "+count(n, "keyword"), "Give three or more, as users would search for them.", in.field("keywords")...)
	}
	return earned(1, "it has "+count(len(in.Facts.Keywords), "keyword"), "", in.field("keywords")...)
}
