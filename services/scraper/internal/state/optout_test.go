package state

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

func optOutFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "opt-out.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOptOuts(t *testing.T) {
	t.Parallel()
	o, err := ReadOptOuts(optOutFile(t, "# who asked\nAcme # all of theirs\n\nother/One\r\ngit.example.com/a/b\nacme\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"acme", "other/one", "git.example.com/a/b"}, o.File()); diff != "" {
		t.Error(diff)
	}
	for key, want := range map[plugpack.MarketplaceKey]bool{
		"github.com/acme/tools": true, "git.example.com/acme/x": true, "github.com/other/one": true, "git.example.com/a/b": true,
		"github.com/a/b": false, "github.com/other/two": false, "github.com/acmes/one": false, "local/acme/tools": false,
	} {
		if o.Excluded(key) != want {
			t.Errorf("%s: %t", key, !want)
		}
	}
	o.Add(plugpack.OptOut{Name: "github.com/b/c", Host: "github.com", HostID: 7})
	if !o.ExcludedRepository("github.com/new/name", 7) || o.ExcludedRepository("git.example.com/new/name", 7) || o.ExcludedRepository("github.com/new/name", 0) {
		t.Error("a repository is known by its number at its own host alone")
	}
	if none, err := ReadOptOuts(""); err != nil || none.Excluded("github.com/acme/tools") || none.ExcludedRepository("github.com/a/b", 7) {
		t.Errorf("without a file: %v", err)
	}
}

func TestOptOutFileIsRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"a b", "https://github.com/acme", "a/b/c", "acme/..", "*"} {
		if _, err := ReadOptOuts(optOutFile(t, "good\n"+line)); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v", line, err)
		}
	}
	if _, err := ReadOptOuts(filepath.Join(t.TempDir(), "none")); errs.KindOf(err) != errs.Invalid {
		t.Errorf("no file: %v", err)
	}
}
