// Package documented holds the test that every package and every exported name
// of the workspace has a comment.
package documented

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../../.."

func TestEveryPublicNameHasAComment(t *testing.T) {
	t.Parallel()
	for dir, files := range sources(t) {
		fset := token.NewFileSet()
		var parsed []*ast.File
		for _, path := range files {
			f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
		for _, missing := range undocumented(fset, parsed) {
			t.Errorf("%s: %s", strings.TrimPrefix(dir, root+"/"), missing)
		}
	}
}

// The check itself, on a file with one fault of each kind.
func TestUndocumented(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "x.go", `package x
type A struct{}
func (A) M() {}
func (a) Hidden() {}
func F() {}
// Good is good.
func Good() {}
const C = 1
// Group is explained once.
const (
	D = 1
	E = 2
)
`, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(undocumented(fset, []*ast.File{f}), "; ")
	want := "the package has no comment; A at x.go:2; M at x.go:3; F at x.go:5; C at x.go:8"
	if got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

// sources gives the Go files of each package, tests left out.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	packages := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") && name != ".." || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], path)
		}
		return nil
	})
	if err != nil || len(packages) < 20 {
		t.Fatalf("found %d packages below %s: %v", len(packages), root, err)
	}
	return packages
}

func undocumented(fset *token.FileSet, files []*ast.File) (missing []string) {
	var hasPackageComment bool
	report := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		for _, d := range docs {
			if d != nil {
				return
			}
		}
		if name.IsExported() {
			missing = append(missing, name.Name+" at "+trimColumn(fset.Position(name.Pos()).String()))
		}
	}
	for _, f := range files {
		hasPackageComment = hasPackageComment || f.Doc != nil
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if receiverExported(d) {
					report(d.Name, d.Doc)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						report(s.Name, d.Doc, s.Doc)
					case *ast.ValueSpec:
						for _, name := range s.Names {
							report(name, d.Doc, s.Doc, s.Comment)
						}
					}
				}
			}
		}
	}
	if !hasPackageComment {
		missing = append([]string{"the package has no comment"}, missing...)
	}
	return missing
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}

func trimColumn(position string) string { return position[:strings.LastIndex(position, ":")] }
