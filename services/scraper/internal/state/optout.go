package state

import (
	"os"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// OptOuts are the owners and repositories that whoever runs the scraper does
// not want read. The zero value leaves nothing out.
type OptOuts struct{ names map[string]bool }

// maxOptOuts bounds the file that names them.
const maxOptOuts = 16 << 20

// ReadOptOuts reads a file of them: one a line, as "owner" and "owner/repo" for
// every host or as "host/owner/repo"; # begins a comment. Without a file there
// are none.
func ReadOptOuts(file string) (OptOuts, error) {
	if file == "" {
		return OptOuts{}, nil
	}
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxOptOuts {
		return OptOuts{}, errs.New(errs.Invalid, "PLUGPACK_OPT_OUT: want a file of at most 16 MiB")
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(file)
	}
	if err != nil {
		return OptOuts{}, errs.New(errs.Invalid, "PLUGPACK_OPT_OUT: want a file that can be read: %w", err)
	}
	o := OptOuts{names: map[string]bool{}}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		name := strings.ToLower(strings.TrimSpace(line))
		if name == "" {
			continue
		}
		if !validOptOut(name) {
			return OptOuts{}, errs.New(errs.Invalid, "PLUGPACK_OPT_OUT: line %d of %s: want owner, owner/repo or host/owner/repo", n, file)
		}
		o.names[name] = true
	}
	return o, nil
}

func validOptOut(name string) bool {
	parts := strings.Split(name, "/")
	for _, p := range parts {
		if p == "" || p == "." || p == ".." || strings.ContainsAny(p, " \t:@\\*") || plugpack.Clean(p) != p {
			return false
		}
	}
	return len(parts) <= 2 || len(parts) == 3 && strings.Contains(parts[0], ".")
}

// Excluded says whether k is not to be read. Folders of this machine are their
// operator's own and never are.
func (o OptOuts) Excluded(k plugpack.MarketplaceKey) bool {
	if len(o.names) == 0 || k.Local() {
		return false
	}
	key := strings.ToLower(string(k))
	_, repo, _ := strings.Cut(key, "/")
	owner, _, _ := strings.Cut(repo, "/")
	return o.names[owner] || o.names[repo] || o.names[key]
}
