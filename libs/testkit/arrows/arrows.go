// Package arrows holds who may import whom in this repository: STYLE's section
// on folders and packages as code. The compiler keeps internal packages apart
// across modules; these rules keep the rest of the map true.
package arrows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Module is the prefix of every package of ours.
const Module = "github.com/plugpack/plugpack/"

// Package is what the go command tells of a package.
type Package struct {
	ImportPath   string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

// Check lists every import of the workspace at root that is not allowed.
// Services that do not exist or compile yet are no obstacle: the go command
// reads their import lines all the same.
func Check(root string) ([]string, error) {
	packages, err := list(root)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(packages, func(p Package) bool { return strings.HasPrefix(p.ImportPath, Module) }) {
		return nil, fmt.Errorf("no package of %s in %s", Module, root)
	}
	return Violations(packages), nil
}

// Violations lists what packages import and may not.
func Violations(packages []Package) []string {
	standard := map[string]bool{"C": true, "unsafe": true}
	for _, p := range packages {
		if p.Standard {
			standard[p.ImportPath] = true
		}
	}
	var found []string
	for _, p := range packages {
		from, ours := strings.CutPrefix(p.ImportPath, Module)
		if !ours {
			continue
		}
		for _, to := range p.Imports {
			if !allowed(from, to, standard[to]) {
				found = append(found, from+" imports "+to)
			}
		}
		for _, to := range slices.Concat(p.TestImports, p.XTestImports) {
			if !allowedInTest(from, to) {
				found = append(found, "a test of "+from+" imports "+to)
			}
		}
		for _, to := range p.Deps {
			if !linkable(from, to) {
				found = append(found, from+" links "+to)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// allowed says whether the package from, of ours, may import to.
func allowed(from, to string, standard bool) bool {
	path, ours := strings.CutPrefix(to, Module)
	if !ours {
		return standard || !within(from, "libs/plugpack", "libs/errs")
	}
	service := serviceOf(from)
	switch {
	case within(from, "libs/errs"):
		return false
	case within(from, "libs/plugpack"):
		return path == "libs/errs"
	case within(from, "libs/cache") && !strings.HasSuffix(from, "test"):
		return within(path, "libs/cache") || slices.Contains([]string{"libs/plugpack", "libs/errs", "libs/api"}, path)
	case within(from, "libs/events", "libs/api", "libs/searchdoc"):
		return within(path, from) || path == "libs/plugpack" || path == "libs/errs"
	case within(from, "libs/testkit"):
		return within(path, "libs", "migrations")
	case within(from, "libs"):
		return within(path, "libs")
	case within(from, "migrations", "tools"):
		return within(path, from)
	case within(from, "cmd/plugpack"):
		return within(path, "cmd/plugpack", "libs", "migrations") || path == serviceOf(path) && path != ""
	case service != "" && within(from, service+"/internal/postgres"):
		return within(path, service+"/internal/postgres") || slices.Contains([]string{"libs/plugpack", "libs/events", "libs/errs", "libs/searchdoc"}, path)
	case within(from, "services/catalog/internal/rest", "services/catalog/internal/intake", "services/catalog/internal/outbox"):
		return within(path, "libs", "services/catalog/internal/postgres", strings.Join(strings.Split(from, "/")[:4], "/"))
	case service != "":
		return within(path, "libs", service) || service == "services/catalog" && path == "migrations"
	}
	return false // a folder that the map does not know
}

// allowedInTest says whether a test of from may import to. Tests may use more
// than the code does, but no service learns of another by them.
func allowedInTest(from, to string) bool {
	path, ours := strings.CutPrefix(to, Module)
	service := serviceOf(path)
	if !ours || service == "" {
		return true
	}
	return serviceOf(from) == service || within(from, "cmd/plugpack") && path == service
}

// linkable says whether the program from may contain the package to. Those of
// the services hold no server and nothing that is for tests or one machine.
func linkable(from, to string) bool {
	if service := serviceOf(from); service == "" || !within(from, service+"/cmd") {
		return true
	}
	return !within(to, "testing", "github.com/nats-io/nats-server", "github.com/alicebob/miniredis", Module+"libs/local", Module+"libs/testkit")
}

// serviceOf gives "services/X" for what is in it, and "" for all else.
func serviceOf(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) < 2 || parts[0] != "services" {
		return ""
	}
	return strings.Join(parts[:2], "/")
}

// within says whether path is one of the folders or in one.
func within(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

// list asks the go command for the workspace's packages and all they need.
func list(root string) ([]Package, error) {
	modules, err := modules(root)
	if err != nil {
		return nil, err
	}
	args := []string{"list", "-e", "-deps", "-json=ImportPath,Standard,Imports,TestImports,XTestImports,Deps"}
	cmd := exec.Command("go", append(args, modules...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"), "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.String())
	}
	var packages []Package
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p Package
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("read go list: %w", err)
		}
		packages = append(packages, p)
	}
}

// modules gives the pattern of each module of go.work that has Go files yet.
func modules(root string) ([]string, error) {
	cmd := exec.Command("go", "work", "edit", "-json")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"))
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("read go.work: %w", err)
	}
	var work struct{ Use []struct{ DiskPath string } }
	if err := json.Unmarshal(out, &work); err != nil {
		return nil, fmt.Errorf("read go.work: %w", err)
	}
	var patterns []string
	for _, u := range work.Use {
		if _, err := os.Stat(filepath.Join(root, u.DiskPath, "go.mod")); err == nil {
			patterns = append(patterns, u.DiskPath+"/...")
		}
	}
	return patterns, nil
}
