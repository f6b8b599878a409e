package searchdoc_test

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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

func TestSettings(t *testing.T) {
	t.Parallel()
	golden(t, "settings.json", searchdoc.SettingsOf(searchdoc.IndexPlugins))
	golden(t, "settings-packs.json", searchdoc.SettingsOf(searchdoc.IndexPacks))
}

// An index is rebuilt when its documents carry another schema, so whatever
// changes the golden files has to raise it.
func TestSchemaIsRaisedWithEveryChange(t *testing.T) {
	t.Parallel()
	sum := sha256.New()
	for _, s := range []searchdoc.Settings{searchdoc.PluginSettings(), searchdoc.PackSettings()} {
		if err := json.NewEncoder(sum).Encode(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, doc := range []reflect.Type{reflect.TypeFor[searchdoc.Document](), reflect.TypeFor[searchdoc.Pack]()} {
		fmt.Fprintln(sum, fields(doc))
	}
	path := filepath.Join("testdata", "schemas.txt")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	now := fmt.Sprintf("%d %x\n", searchdoc.Schema, sum.Sum(nil)[:8])
	known := string(b)
	switch i := strings.Index("\n"+known, fmt.Sprintf("\n%d ", searchdoc.Schema)); {
	case i < 0 && *update:
		if err := os.WriteFile(path, []byte(known+now), 0o644); err != nil {
			t.Fatal(err)
		}
	case i < 0:
		t.Errorf("schema %d is not in %s: run with -update", searchdoc.Schema, path)
	case !strings.HasPrefix(known[i:], now):
		t.Errorf("documents or settings changed, so raise searchdoc.Schema and run with -update: %s is not in %s", now, path)
	}
}

func fields(doc reflect.Type) (names []string) {
	for _, f := range reflect.VisibleFields(doc) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func TestSettingsNameFieldsOfTheDocuments(t *testing.T) {
	t.Parallel()
	for uid, doc := range map[string]reflect.Type{
		searchdoc.IndexPlugins: reflect.TypeFor[searchdoc.Document](), searchdoc.IndexPacks: reflect.TypeFor[searchdoc.Pack](),
	} {
		have := fields(doc)
		s := searchdoc.SettingsOf(uid)
		names := slices.Concat(s.SearchableAttributes, s.FilterableAttributes, s.SortableAttributes, []string{searchdoc.PrimaryKey})
		for _, r := range s.RankingRules[6:] { // after those that the engine has itself
			names = append(names, strings.TrimSuffix(r, ":desc"))
		}
		if s.DistinctAttribute != nil {
			names = append(names, *s.DistinctAttribute)
		}
		for _, name := range names {
			if !slices.Contains(have, name) {
				t.Errorf("the settings of %s name %q, which its documents do not have", uid, name)
			}
		}
	}
}

func TestSynonyms(t *testing.T) {
	t.Parallel()
	all := searchdoc.Synonyms()
	if !slices.Equal(all["k8s"], []string{"kubernetes"}) || !slices.Equal(all["pull request"], []string{"pr", "merge request"}) {
		t.Errorf("k8s: %v, pull request: %v", all["k8s"], all["pull request"])
	}
	for word, others := range all {
		if word != strings.ToLower(strings.TrimSpace(word)) || word == "" {
			t.Errorf("%q is not in small letters without blanks around it", word)
		}
		for _, other := range others {
			if !slices.Contains(all[other], word) {
				t.Errorf("%q means %q, but not the other way round: is it in two groups?", word, other)
			}
		}
		if slices.Contains(searchdoc.PluginSettings().StopWords, word) {
			t.Errorf("%q is a stop word, so nobody finds it", word)
		}
	}
}

func plugin() plugpack.Plugin {
	return plugpack.Plugin{
		ID: "0198f2a4-5b1c-7d3e-8f90-a1b2c3d4e5f6", Name: "deploy", Slug: "acme-tools-deploy", Revision: 7,
		Marketplace: plugpack.MarketplaceRef{Key: "github.com/acme/tools", Name: "acme-tools", Repository: "Acme/tools", License: "MIT"},
		Verified:    true, Stars: 42, Score: new(81), Maintenance: plugpack.Slow,
		Facts: plugpack.Facts{
			DisplayName: "Deploy", Description: "Ships it.", Category: "devops", Keywords: []string{"ship", "release"},
			Origin: "github.com/acme/tools/plugins/deploy", State: plugpack.StateRead,
			Documents: plugpack.Documents{Readme: &plugpack.Document{Path: "README.md", Text: "# Deploy\n\nShips it,\tand back."}},
			Components: []plugpack.Component{
				{Kind: plugpack.MCP, Name: "registry"}, {Kind: plugpack.Command, Name: "ship"},
				{Kind: plugpack.Skill, Name: "ship"}, {Kind: plugpack.Command, Name: "roll-back"},
			},
		},
		FirstSeen: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC),
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

func TestExcerptIsBounded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"long": strings.Repeat("words and ", 10_000), "blank": strings.Repeat(" \n", 10_000), "not UTF-8": strings.Repeat("é\xff", 5000),
	} {
		p := plugin()
		p.Facts.Documents.Readme.Text = text
		got := searchdoc.New(p).Excerpt
		if len(got) > searchdoc.MaxExcerpt || !utf8.ValidString(got) {
			t.Errorf("%s: %d bytes, valid %v", name, len(got), utf8.ValidString(got))
		}
	}
}

func TestNewPack(t *testing.T) {
	t.Parallel()
	golden(t, "pack.json", searchdoc.NewPack(plugpack.Pack{
		ID: "0198f2a4-5b1c-7d3e-8f90-a1b2c3d4e5f7", Slug: "release-day", Revision: 3, Featured: true, Published: true,
		PackText:  plugpack.PackText{Name: "Release day", Description: "From tag to announcement.", Difficulty: plugpack.Beginner, Tags: []string{"release"}},
		Plugins:   []plugpack.PackPlugin{{Name: "deploy"}, {Name: "vanished", Gone: true}, {Name: "notes"}},
		UpdatedAt: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC),
	}))
}
