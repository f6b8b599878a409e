package plugpack_test

import (
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

func TestPackDraftCheck(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("ä", n) }
	many := func(n int) []string { return strings.Split(strings.Repeat("x,", n)+"x", ",") }
	good := func() plugpack.PackDraft {
		return plugpack.PackDraft{
			PackText: plugpack.PackText{Name: "Demo", Tags: []string{long(plugpack.MaxTag)}},
			Plugins: []plugpack.DraftPlugin{{}, {
				Phase: long(plugpack.MaxPackPhase), Description: long(plugpack.MaxPackNote), Commands: []string{"x", long(plugpack.MaxPackCommand)},
			}},
		}
	}
	if err := good().Check(); err != nil {
		t.Errorf("a draft at its bounds: %v", err)
	}
	for field, change := range map[string]func(*plugpack.PackDraft){
		"name":                          func(d *plugpack.PackDraft) { d.Name = "" },
		"tags":                          func(d *plugpack.PackDraft) { d.Tags = many(plugpack.MaxTags) },
		"tags[1]":                       func(d *plugpack.PackDraft) { d.Tags = []string{"x", long(plugpack.MaxTag + 1)} },
		"plugins":                       func(d *plugpack.PackDraft) { d.Plugins = make([]plugpack.DraftPlugin, plugpack.MaxPackPlugins+1) },
		"plugins[1].phase":              func(d *plugpack.PackDraft) { d.Plugins[1].Phase += "x" },
		"plugins[1].description":        func(d *plugpack.PackDraft) { d.Plugins[1].Description += "x" },
		"plugins[1].commands_to_run":    func(d *plugpack.PackDraft) { d.Plugins[1].Commands = many(plugpack.MaxPackCommands) },
		"plugins[1].commands_to_run[1]": func(d *plugpack.PackDraft) { d.Plugins[1].Commands[1] += "x" },
	} {
		d := good()
		change(&d)
		if err := d.Check(); errs.KindOf(err) != errs.Invalid || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
}
