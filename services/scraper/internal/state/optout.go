package state

import (
	"os"
	"strings"
	"sync"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// OptOuts are the owners and repositories that are not to be read: those in the
// operator's file, and all that were ever announced. It is safe for concurrent
// use; the zero value leaves nothing out.
type OptOuts struct {
	file []string // in its order

	mu    sync.RWMutex
	names map[string]bool
	ids   map[repository]bool
}

// repository is one by its host's own number, which a new name does not change.
type repository struct {
	host string
	id   int64
}

// maxOptOuts bounds the file that names them.
const maxOptOuts = 16 << 20

// ReadOptOuts reads a file of them: one a line, as "owner" and "owner/repo" for
// every host or as "host/owner/repo"; # begins a comment. Without a file there
// are none.
func ReadOptOuts(file string) (*OptOuts, error) {
	o := &OptOuts{}
	if file == "" {
		return o, nil
	}
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxOptOuts {
		return nil, errs.New(errs.Invalid, "PLUGPACK_OPT_OUT: want a file of at most 16 MiB")
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, errs.New(errs.Invalid, "PLUGPACK_OPT_OUT: want a file that can be read: %w", err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		name := strings.ToLower(strings.TrimSpace(line))
		if name == "" {
			continue
		}
		out := plugpack.OptOut{Name: name}
		if out.Validate() != nil {
			return nil, errs.New(errs.Invalid, "PLUGPACK_OPT_OUT: line %d of %s: want owner, owner/repo or host/owner/repo", n, file)
		}
		if !o.names[name] {
			o.file = append(o.file, name)
		}
		o.Add(out)
	}
	return o, nil
}

// File gives the names that the operator's file has.
func (o *OptOuts) File() []string { return o.file }

// Add takes one in.
func (o *OptOuts) Add(out plugpack.OptOut) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.names == nil {
		o.names, o.ids = map[string]bool{}, map[repository]bool{}
	}
	o.names[out.Name] = true
	if out.HostID != 0 {
		o.ids[repository{out.Host, out.HostID}] = true
	}
}

// Excluded says whether k is not to be read. Folders of this machine are their
// operator's own and never are.
func (o *OptOuts) Excluded(k plugpack.MarketplaceKey) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if len(o.names) == 0 {
		return false
	}
	for _, name := range plugpack.OptOutNames(k) {
		if o.names[name] {
			return true
		}
	}
	return false
}

// ExcludedRepository says the same of a repository whose number is known: one
// that opted out and was renamed is still out.
func (o *OptOuts) ExcludedRepository(k plugpack.MarketplaceKey, id int64) bool {
	if o.Excluded(k) {
		return true
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	return id != 0 && o.ids[repository{k.Host(), id}]
}
