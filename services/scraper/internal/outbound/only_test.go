package outbound

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dialling are the names of the standard library by which code makes
// connections of its own.
var dialling = map[string][]string{
	"net/http":   {"Client", "Transport", "DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm", "ProxyFromEnvironment"},
	"net":        {"Dialer", "Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Resolver"},
	"crypto/tls": {"Dial", "DialWithDialer", "Dialer"},
}

// asTypes may be named outside of this package, to hold a client but not to
// make one.
var asTypes = []string{"Client"}

// Nothing else in the scraper dials. A program run by the scraper could, so
// none is run either.
func TestNothingElseDials(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "internal/outbound") || filepath.Dir(path) == "." {
			return err
		}
		for _, found := range dials(t, path) {
			t.Errorf("%s: take internal/outbound's client instead of %s", path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func dials(t *testing.T, path string) (found []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, i := range file.Imports {
		p := strings.Trim(i.Path.Value, `"`)
		name := filepath.Base(p)
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = p
		if p == "os/exec" {
			found = append(found, p)
		}
	}
	pointers := map[ast.Expr]bool{} // *http.Client as a type
	ast.Inspect(file, func(n ast.Node) bool {
		if star, ok := n.(*ast.StarExpr); ok {
			pointers[star.X] = true
		}
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := s.X.(*ast.Ident)
		if ok && slices.Contains(dialling[names[x.Name]], s.Sel.Name) && !(pointers[s] && slices.Contains(asTypes, s.Sel.Name)) {
			found = append(found, x.Name+"."+s.Sel.Name)
		}
		return true
	})
	return found
}
