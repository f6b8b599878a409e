package arrows_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/testkit/arrows"
)

// root is the folder of go.work above this one.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.work above this folder")
		}
		dir = filepath.Dir(dir)
	}
}

func TestTheWorkspaceKeepsTheArrows(t *testing.T) {
	t.Parallel()
	found, err := arrows.Check(root(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

func TestAFolderWithoutAWorkspaceIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := arrows.Check(t.TempDir()); err == nil {
		t.Error("no error")
	}
}

// ours adds the module's prefix to what has none of its own.
func ours(path string) string {
	for _, folder := range []string{"libs", "services", "cmd", "migrations", "tools", "elsewhere"} {
		if strings.HasPrefix(path, folder) {
			return arrows.Module + path
		}
	}
	return path
}

func TestViolations(t *testing.T) {
	t.Parallel()
	const test, links = "test", "links"
	for _, c := range []struct {
		from, to, how string
		ok            bool
	}{
		{"libs/errs", "fmt", "", true},
		{"libs/errs", "libs/plugpack", "", false},
		{"libs/errs", "golang.org/x/sync/errgroup", "", false},
		{"libs/plugpack", "net/url", "", true},
		{"libs/plugpack", "libs/errs", "", true},
		{"libs/plugpack", "libs/events", "", false},
		{"libs/plugpack", "github.com/google/uuid", "", false},
		{"libs/plugpack", "github.com/google/go-cmp/cmp", test, true},
		{"libs/events", "libs/plugpack", "", true},
		{"libs/events", "github.com/nats-io/nats.go/jetstream", "", true},
		{"libs/events", "libs/bus", "", false},
		{"libs/events", "libs/testkit", test, true},
		{"libs/api", "libs/events", "", false},
		{"libs/searchdoc", "libs/api", "", false},
		{"libs/cache", "libs/api", "", true},
		{"libs/cache", "libs/bus", "", false},
		{"libs/cache/cachetest", "libs/cache", "", true},
		{"libs/bus", "libs/events", "", true},
		{"libs/bus", "services/catalog", "", false},
		{"libs/bus", "migrations", "", false},
		{"libs/bus", "services/catalog", test, false},
		{"libs/testkit", "migrations", "", true},
		{"libs/testkit", "services/catalog", "", false},
		{"migrations", "github.com/pressly/goose/v3", "", true},
		{"migrations", "libs/errs", "", false},
		{"services/catalog", "libs/bus", "", true},
		{"services/catalog", "migrations", "", true},
		{"services/catalog/cmd/catalog", "migrations", "", true},
		{"services/catalog/cmd/catalog", "services/catalog", "", true},
		{"services/catalog", "services/scraper", "", false},
		{"services/catalog", "services/scraper", test, false},
		{"services/catalog", "services/catalog2", "", false},
		{"services/scraper", "migrations", "", false},
		{"services/scraper", "cmd/plugpack", "", false},
		{"services/scraper", "services/scraper/internal/scan", "", true},
		{"services/catalog/internal/rest", "services/catalog/internal/postgres", "", true},
		{"services/catalog/internal/rest", "services/catalog/internal/rest/docs", "", true},
		{"services/catalog/internal/rest", "libs/api", "", true},
		{"services/catalog/internal/rest", "services/catalog/internal/intake", "", false},
		{"services/catalog/internal/intake", "services/catalog", "", false},
		{"services/catalog/internal/outbox", "migrations", "", false},
		{"services/catalog/internal/postgres", "libs/events", "", true},
		{"services/catalog/internal/postgres", "libs/searchdoc", "", true},
		{"services/catalog/internal/postgres", "github.com/jackc/pgx/v5", "", true},
		{"services/catalog/internal/postgres", "libs/bus", "", false},
		{"services/catalog/internal/postgres", "libs/bus", test, true},
		{"services/catalog/internal/postgres", "services/catalog/internal/rest", "", false},
		{"cmd/plugpack", "services/catalog", "", true},
		{"cmd/plugpack", "libs/local/nats", "", true},
		{"cmd/plugpack", "cmd/plugpack/corpus", "", true},
		{"cmd/plugpack", "services/catalog/internal/postgres", "", false},
		{"cmd/plugpack", "services/catalog/cmd/catalog", "", false},
		{"cmd/plugpack", "services/catalog", test, true},
		{"cmd/plugpack", "services/catalog/internal/rest", test, false},
		{"elsewhere", "libs/errs", "", false},
		{"services/catalog/cmd/catalog", "testing", links, false},
		{"services/catalog/cmd/catalog", "testing/fstest", links, false},
		{"services/catalog/cmd/catalog", "github.com/nats-io/nats-server/v2/server", links, false},
		{"services/catalog/cmd/catalog", "github.com/alicebob/miniredis/v2", links, false},
		{"services/catalog/cmd/catalog", "libs/local", links, false},
		{"services/catalog/cmd/catalog", "libs/local/nats", links, false},
		{"services/catalog/cmd/catalog", "libs/testkit", links, false},
		{"services/catalog/cmd/catalog", "github.com/nats-io/nats.go", links, true},
		{"cmd/plugpack", "github.com/nats-io/nats-server/v2/server", links, true},
		{"libs/testkit", "testing", links, true},
	} {
		t.Run(strings.TrimSpace(c.from+" "+c.how)+" to "+c.to, func(t *testing.T) {
			t.Parallel()
			p := arrows.Package{ImportPath: ours(c.from)}
			prefix, verb := "", " imports "
			switch to := []string{ours(c.to)}; c.how {
			case test:
				p.XTestImports, prefix = to, "a test of "
			case links:
				p.Deps, verb = to, " links "
			default:
				p.Imports = to
			}
			var want []string
			if !c.ok {
				want = []string{prefix + c.from + verb + ours(c.to)}
			}
			standard := []arrows.Package{{ImportPath: "fmt", Standard: true}, {ImportPath: "net/url", Standard: true}}
			if diff := cmp.Diff(want, arrows.Violations(append(standard, p))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAServiceThatDoesNotCompileIsReadAllTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.work", "go 1.26.0\nuse (\n\t./services/a\n\t./services/b\n\t./services/none\n)\n")
	write("services/a/go.mod", "module "+arrows.Module+"services/a\ngo 1.26.0\n")
	write("services/a/a.go", "package a\nimport _ \""+arrows.Module+"services/b\"\nfunc broken( {\n")
	write("services/b/go.mod", "module "+arrows.Module+"services/b\ngo 1.26.0\n")
	write("services/b/b.go", "package b\nvar x = nothing\n")
	write("services/none/go.mod", "module "+arrows.Module+"services/none\ngo 1.26.0\n")
	found, err := arrows.Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"services/a imports " + arrows.Module + "services/b"}, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
