package searchdoc_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/searchdoc"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares v with a file that shows the contract; a diff in review is a
// change of contract.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date, run with -update if the change is meant (-want +got):\n%s", path, diff)
	}
}

func TestPluginSettings(t *testing.T) {
	t.Parallel()
	golden(t, "settings.json", searchdoc.PluginSettings())
}

func TestSettingsNameFieldsOfTheDocument(t *testing.T) {
	t.Parallel()
	var fields []string
	doc := reflect.TypeFor[searchdoc.Document]()
	for i := range doc.NumField() {
		name, _, _ := strings.Cut(doc.Field(i).Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	s := searchdoc.PluginSettings()
	rules := s.RankingRules[6:] // after those that the engine has itself
	for i, r := range rules {
		rules[i] = strings.TrimSuffix(r, ":desc")
	}
	for _, name := range slices.Concat(s.SearchableAttributes, s.FilterableAttributes, s.SortableAttributes, rules, []string{s.DistinctAttribute, searchdoc.PrimaryKey}) {
		if !slices.Contains(fields, name) {
			t.Errorf("the settings name %q, which documents do not have", name)
		}
	}
}

func plugin() plugpack.Plugin {
	return plugpack.Plugin{
		ID: "0198f2a4-5b1c-7d3e-8f90-a1b2c3d4e5f6", Name: "deploy", Slug: "acme-tools-deploy", Revision: 7,
		Marketplace: plugpack.MarketplaceRef{Key: "github.com/acme/tools", Name: "acme-tools", Repository: "Acme/tools", License: "MIT"},
		Verified:    true, Stars: 42,
		Facts: plugpack.Facts{
			DisplayName: "Deploy", Description: "Ships it.", Category: "devops", Keywords: []string{"ship", "release"},
			Origin: "github.com/acme/tools/plugins/deploy", State: plugpack.StateRead,
			Components: []plugpack.Component{
				{Kind: plugpack.MCP, Name: "registry"}, {Kind: plugpack.Command, Name: "ship"},
				{Kind: plugpack.Skill, Name: "ship"}, {Kind: plugpack.Command, Name: "roll-back"},
			},
		},
		UpdatedAt: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC),
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	golden(t, "document.json", searchdoc.New(plugin()))
}

func TestNewOfABarePlugin(t *testing.T) {
	t.Parallel()
	p := plugin()
	p.Facts = plugpack.Facts{State: plugpack.StateNotReadYet}
	d := searchdoc.New(p)
	if d.Distinct != p.ID {
		t.Errorf("distinct = %q, want the id where there is no origin", d.Distinct)
	}
	if d.License != "MIT" {
		t.Errorf("license = %q, want the marketplace's", d.License)
	}
	if d.Keywords == nil || d.Components == nil || d.Has == nil {
		t.Error("an empty list is null, want []")
	}
}
