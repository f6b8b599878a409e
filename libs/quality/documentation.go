package quality

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/plugpack"
)

var documentationRules = []rule{
	{"documentation.readme", 1, 8, "It has a README of its own", readme},
	{"documentation.sections", 1, 4, "The README has sections", sections},
	{"documentation.install", 1, 4, "The README says how to install it", install},
	{"documentation.usage", 1, 5, "The README says how to use it", usage},
	{"documentation.examples", 1, 4, "The README shows an example", examples},
	{"documentation.license", 1, 5, "It brings the text of its licence", licenseText},
	{"documentation.changelog", 1, 4, "It has a changelog", changelog},
	{"documentation.components", 1, 8, "Every command, agent and skill has a description", components},
	{"documentation.when", 1, 6, "Agents and skills say when to use them", when},
}

// 300 characters are a short paragraph and a command: less leaves out either
// what it is or how to use it.
func readme(in Input) result {
	const fix = "Write a README.md in the plugin's folder: what it does, how to install and use it, an example."
	r := in.Facts.Documents.Readme
	if r == nil {
		return earned(0, "it has no README", fix)
	}
	n := utf8.RuneCountInString(strings.TrimSpace(r.Text))
	points := 1.0
	switch {
	case n < 100:
		points = 0.25
	case n < 300:
		points = 0.5
	}
	reason := fmt.Sprintf("%s has %s", r.Path, count(n, "character"))
	if above(r.Path) {
		points, reason = points/2, reason+", but it is the repository's and not its own"
	}
	return earned(points, reason, fix, at(r.Path)...)
}

// above says whether a document is not the plugin's own.
func above(path string) bool { return strings.HasPrefix(path, "../") }

var (
	heading     = regexp.MustCompile(`^ {0,3}#{1,6}\s+(.+)$`)
	underline   = regexp.MustCompile(`^ {0,3}(=+|-+)\s*$`)
	fence       = regexp.MustCompile("^ {0,3}(```|~~~)")
	installing  = regexp.MustCompile(`(?i)/plugin\s+(install|marketplace\s+add)|claude\s+plugin\s+(install|marketplace)`)
	installHead = regexp.MustCompile(`(?i)\b(install|installation|installing|setup|set-up|getting started|quick ?start)\b`)
	usageHead   = regexp.MustCompile(`(?i)\b(usage|use|using|how it works|how to|getting started|quick ?start|commands?|skills?|agents?|features?|workflows?|examples?|hooks?|tools?)\b`)
	exampleHead = regexp.MustCompile(`(?i)\bexamples?\b`)
)

// line is a line of a README outside of code, with its number.
type line struct {
	n    int
	text string
}

// outline reads the headings of Markdown and the lines at which code begins.
func outline(text string) (headings, code []line) {
	fenced := false
	before := line{}
	for i, l := range strings.Split(text, "\n") {
		n := i + 1
		if fence.MatchString(l) {
			if fenced = !fenced; fenced {
				code = append(code, line{n, l})
			}
			continue
		}
		if fenced {
			continue
		}
		if m := heading.FindStringSubmatch(l); m != nil {
			headings = append(headings, line{n, m[1]})
		} else if underline.MatchString(l) && strings.TrimSpace(before.text) != "" {
			headings = append(headings, before)
		}
		before = line{n, l}
	}
	return headings, code
}

func withReadme(in Input, look func(r plugpack.Document) result) result {
	r := in.Facts.Documents.Readme
	if r == nil {
		return earned(0, "it has no README", "Write a README.md in the plugin's folder.")
	}
	return look(*r)
}

func lineOf(r plugpack.Document, l line) []plugpack.Evidence {
	return []plugpack.Evidence{{Path: r.Path, Line: l.n}}
}

// A title and two sections are the least that lets a reader find something.
func sections(in Input) result {
	return withReadme(in, func(r plugpack.Document) result {
		headings, _ := outline(r.Text)
		return earned(min(share(len(headings), 3), 1), "it has "+count(len(headings), "heading"),
			"Give it a title and sections, such as Install, Usage and Examples.", at(r.Path)...)
	})
}

func install(in Input) result {
	const fix = "Write down the two commands: /plugin marketplace add … and /plugin install …"
	return withReadme(in, func(r plugpack.Document) result {
		for i, l := range strings.Split(r.Text, "\n") {
			if installing.MatchString(l) {
				return earned(1, "it gives the client's command", "", lineOf(r, line{n: i + 1})...)
			}
		}
		headings, _ := outline(r.Text)
		for _, h := range headings {
			if installHead.MatchString(h.text) {
				return earned(0.5, "it has a section on installing, without the client's command", fix, lineOf(r, h)...)
			}
		}
		return earned(0, "it does not say how to install it", fix, at(r.Path)...)
	})
}

func usage(in Input) result {
	return withReadme(in, func(r plugpack.Document) result {
		headings, _ := outline(r.Text)
		for _, h := range headings {
			if usageHead.MatchString(h.text) {
				return earned(1, "it has a section on using it", "", lineOf(r, h)...)
			}
		}
		for _, c := range in.Facts.Components {
			if len(c.Name) > 3 && strings.Contains(r.Text, c.Name) {
				return earned(0.5, "it names what it brings, without a section on using it", "Add a section Usage.", at(r.Path)...)
			}
		}
		return earned(0, "it does not say how to use it", "Add a section Usage that names its commands, skills and agents.", at(r.Path)...)
	})
}

func examples(in Input) result {
	const fix = "Show one use from beginning to end: what is typed and what comes of it."
	return withReadme(in, func(r plugpack.Document) result {
		headings, code := outline(r.Text)
		for _, h := range headings {
			if exampleHead.MatchString(h.text) {
				return earned(1, "it has a section of examples", "", lineOf(r, h)...)
			}
		}
		// One block is mostly the command that installs.
		switch len(code) {
		case 0:
			return earned(0, "it shows no example", fix, at(r.Path)...)
		case 1:
			return earned(0.5, "it shows one block of code", fix, lineOf(r, code[0])...)
		}
		return earned(1, "it shows "+count(len(code), "block")+" of code", "", lineOf(r, code[1])...)
	})
}

func licenseText(in Input) result {
	const fix = "Add a file LICENSE with the whole text of the licence."
	l := in.Facts.Documents.License
	switch {
	case l == nil:
		return earned(0, "it brings no licence", fix)
	case l.By == "file" && l.SPDX != "":
		return earned(1, "its licence's text is "+l.SPDX, "", at(l.Path)...)
	case l.By == "file":
		return earned(0.5, "its licence's text is none that is known", "Use the unchanged text of a known licence.", at(l.Path)...)
	}
	return earned(0.5, "a licence is named, but its text is not there", fix)
}

func changelog(in Input) result {
	c := in.Facts.Documents.Changelog
	if c == nil {
		return earned(0, "it has no changelog", "Keep a CHANGELOG.md: what is new in each version.")
	}
	return earned(1, "it has a changelog", "", at(c.Path)...)
}

// documented are the kinds whose files have a description of their own.
var documented = []plugpack.ComponentKind{plugpack.Command, plugpack.Agent, plugpack.Skill}

// lacking counts the components of the kinds and gives those that has says no of.
func lacking(in Input, kinds []plugpack.ComponentKind, has func(plugpack.Component) bool) (all int, names []string, evidence []plugpack.Evidence) {
	for _, c := range in.Facts.Components {
		if !slices.Contains(kinds, c.Kind) {
			continue
		}
		if all++; !has(c) {
			names = append(names, c.Name)
			evidence = append(evidence, at(c.Path)...)
		}
	}
	return all, names, evidence
}

func components(in Input) result {
	all, missing, evidence := lacking(in, documented, func(c plugpack.Component) bool { return text(c, "description") != "" })
	switch {
	case all == 0:
		return notApplicable("it has no commands, agents or skills")
	case len(missing) == 0:
		return earned(1, "each has one", "")
	}
	return earned(share(all-len(missing), all), fmt.Sprintf("%d of %d have none in their front matter: %s", len(missing), all, some(missing)),
		"Give each a description in its front matter; the model and /help go by it.", evidence...)
}

// whenWords are how descriptions say on which occasion they are meant.
var whenWords = regexp.MustCompile(`(?i)\b(when|whenever|while|before|after|if (you|the|a|an)|use (this|it|for|to|in|on|as|with|proactively)|used (for|to|when)|for (tasks?|questions?|requests?|users?)|triggers?|invoke|upon|during)\b`)

func when(in Input) result {
	says := func(c plugpack.Component) bool {
		return text(c, "when_to_use") != "" || whenWords.MatchString(text(c, "description"))
	}
	all, missing, evidence := lacking(in, []plugpack.ComponentKind{plugpack.Agent, plugpack.Skill}, says)
	switch {
	case all == 0:
		return notApplicable("it has no agents or skills")
	case len(missing) == 0:
		return earned(1, "each says when", "")
	}
	return earned(share(all-len(missing), all), fmt.Sprintf("%d of %d do not say when: %s", len(missing), all, some(missing)),
		"Begin descriptions with the occasion, as in \"Use when a test fails\"; the model chooses by it.", evidence...)
}
