package quality

import (
	"fmt"

	"github.com/plugpack/plugpack/libs/plugpack"
)

var testingRules = []rule{
	{"testing.tests", 1, 6, "It has tests", tests},
	{"testing.ci", 1, 4, "They, or checks of its manifests, run by themselves", ci},
	{"testing.references", 1, 6, "What hooks and servers run is there", references},
	{"testing.executable", 1, 3, "What hooks and servers run directly is executable", executable},
}

func tests(in Input) result {
	switch {
	case len(in.Folder.Tests) > 0:
		return earned(1, "it has "+count(len(in.Folder.Tests), "file")+" of tests", "", at(in.Folder.Tests[0])...)
	case len(in.Facts.Scripts) == 0:
		return notApplicable("there is no code in it")
	}
	return earned(0, fmt.Sprintf("it has %s and no tests", count(len(in.Facts.Scripts), "script")), "Test the scripts, in a folder tests.", at(in.Facts.Scripts[0].Path)...)
}

func ci(in Input) result {
	const fix = "Run the tests, or claude plugin validate, in a workflow in .github/workflows."
	if len(in.Folder.Workflows) == 0 {
		return earned(0, "nothing checks it when it changes", fix)
	}
	for _, w := range in.Folder.Workflows {
		if w.Checks {
			return earned(1, "a workflow checks it", "", plugpack.Evidence{Path: w.Path, Line: w.Line})
		}
	}
	return earned(0.5, "there are workflows, but none seems to test or validate", fix, at(in.Folder.Workflows[0].Path)...)
}

func references(in Input) result {
	var missing []string
	var evidence []plugpack.Evidence
	for _, r := range in.Folder.References {
		if !r.Exists {
			missing, evidence = append(missing, r.Path), append(evidence, at(r.From)...)
		}
	}
	switch all := len(in.Folder.References); {
	case all == 0:
		return notApplicable("its hooks and servers name no file of its own")
	case len(missing) == 0:
		return earned(1, "each of "+count(all, "file")+" is there", "")
	default:
		return earned(share(all-len(missing), all), fmt.Sprintf("%d of %d are not in the plugin: %s", len(missing), all, some(missing)),
			"Add the files, or mend the paths.", evidence...)
	}
}

func executable(in Input) result {
	all := 0
	var not []string
	var evidence []plugpack.Evidence
	for _, r := range in.Folder.References {
		if !r.Direct || !r.Exists {
			continue
		}
		if all++; !r.Executable {
			not, evidence = append(not, r.Path), append(evidence, at(r.Path)...)
		}
	}
	switch {
	case all == 0:
		return notApplicable("no hook or server runs a file of its own directly")
	case len(not) == 0:
		return earned(1, "each is", "")
	}
	return earned(share(all-len(not), all), fmt.Sprintf("%d of %d are not: %s", len(not), all, some(not)),
		"git update-index --chmod=+x, or name the interpreter, as in bash script.sh.", evidence...)
}
