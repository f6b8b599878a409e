package quality

import (
	"fmt"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// maintenanceRules are those that need no clock: see plugpack.Activity.
var maintenanceRules = []rule{
	{"maintenance.version", 1, 4, "Its version is declared, and the same wherever it is", oneVersion},
	{"maintenance.changelog", 1, 3, "The changelog has the version", changelogCurrent},
	{"maintenance.pinned", 1, 3, "What users get is pinned", pinned},
}

func oneVersion(in Input) result {
	switch {
	case in.Version == "" && in.EntryVersion == "":
		return earned(0, "no version is declared, so users cannot tell one state from another", "Declare a version in plugin.json.", in.field("version")...)
	case in.Version != "" && in.EntryVersion != "" && in.Version != in.EntryVersion:
		return earned(0.5, fmt.Sprintf("plugin.json says %s and the marketplace's entry %s", in.Version, in.EntryVersion),
			"Declare it in plugin.json alone: the client takes that one.", in.field("version")...)
	}
	return earned(1, "its version is "+in.Facts.Version, "", in.field("version")...)
}

func changelogCurrent(in Input) result {
	c, v := in.Facts.Documents.Changelog, strings.TrimPrefix(in.Facts.Version, "v")
	switch {
	case c == nil:
		return notApplicable("it has no changelog")
	case v == "":
		return notApplicable("it has no version")
	}
	for i, l := range strings.Split(c.Text, "\n") {
		if strings.Contains(l, v) {
			return earned(1, "it has "+v, "", plugpack.Evidence{Path: c.Path, Line: i + 1})
		}
	}
	return earned(0, v+" is not in it", "Write down what is new in every version.", at(c.Path)...)
}

func pinned(in Input) result {
	const fix = "Give the entry's source the sha of a commit; raise it with each release."
	s := in.Facts.Source
	switch {
	case s.Kind == plugpack.SourceRelative:
		return notApplicable("it comes with its marketplace's repository")
	case s.SHA != "" || s.SHA256 != "":
		return earned(1, "its source names one content", "")
	case s.Kind == plugpack.SourceNPM && semver.MatchString(s.Version):
		return earned(1, "its source names one version", "")
	case s.Ref != "" || s.Version != "":
		return earned(0.5, "its source names a branch, tag or range, which may move", fix)
	}
	return earned(0, "its source names whatever is newest", fix)
}
