package marketplace

import (
	"fmt"
	"strings"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// object is a decoded JSON object.
type object = map[string]any

// client is the version by whose eyes everything is read.
func (in Input) client() *claudecode.Profile {
	if in.Client != nil {
		return in.Client
	}
	return claudecode.Default()
}

// place says where the client would add the marketplace from.
func place(k plugpack.MarketplaceKey) claudecode.Place {
	if k.Local() {
		return claudecode.Place{Kind: claudecode.PlaceFolder}
	}
	return claudecode.Place{Kind: claudecode.PlaceRepository, Host: k.Host(), Owner: k.Owner()}
}

// place says the same with the marketplace's name.
func (w *work) place(k plugpack.MarketplaceKey) claudecode.Place {
	p := place(k)
	p.Name = w.name
	return p
}

// refused says why the client, or the catalog, takes nothing of the file.
func refused(a claudecode.Added) string {
	switch {
	case a.Rejected != "":
		return a.Rejected
	case len(a.Name) > plugpack.MaxName:
		return fmt.Sprintf("The name is longer than %d bytes; shorten it.", plugpack.MaxName)
	}
	return ""
}

// listed is an entry with the client that judges it.
type listed struct {
	claudecode.AddedEntry
	client *claudecode.Profile
	index  int // in Names
}

// judged gives an entry to the client by whose eyes everything is read, or to
// the oldest newer one that can use it.
func judged(client *claudecode.Profile, e claudecode.AddedEntry, head object, index int) listed {
	if e.Result == plugpack.AddStub {
		if newer, usable, ok := client.Newer(e, head); ok {
			usable.Reason = fmt.Sprintf("client %s and older cannot use it: %s", client.Version, e.Reason)
			return listed{usable, newer, index}
		}
	}
	return listed{e, client, index}
}

// entry is one item of "plugins".
type entry struct {
	listed
	fields object
	source plugpack.Source
	// problem says why nobody can install the entry, whatever its files are.
	problem string
	// external is where its files are, if not in the repository.
	external Origin
}

// decodeEntry decodes an entry that the client lists.
func decodeEntry(l listed, k plugpack.MarketplaceKey) entry {
	e := entry{listed: l}
	e.fields, _ = claudecode.DecodeObject(l.Raw)
	e.source, e.problem = readSource(e.fields["source"])
	if l.Result != plugpack.AddListed {
		e.problem = l.Reason
	} else if e.problem == "" {
		e.problem = claudecode.SourceRefused(e.fields["source"], place(k))
	}
	if e.problem == "" && e.source.Kind != plugpack.SourceRelative {
		e.external, e.problem = originOf(e.source)
	}
	return e
}

// isExternal says whether the entry's files have to be fetched.
func (e entry) isExternal() bool { return e.external.Kind != "" }

// skips says why an entry is not in the catalog: no client lists it, or its
// name cannot be a key or be shown safely.
func skips(e claudecode.AddedEntry) string {
	switch {
	case e.Result == plugpack.AddDropped:
		return e.Reason
	case len(e.Name) > plugpack.MaxName:
		return fmt.Sprintf("the entry's name is longer than %d bytes", plugpack.MaxName)
	case plugpack.Clean(e.Name) != e.Name:
		return "the entry's name has control or invisible characters"
	}
	return ""
}

// isName says whether s can be the name of an entry in the catalog.
func isName(s string) bool {
	return s != "" && len(s) <= plugpack.MaxName && plugpack.Clean(s) == s && !strings.Contains(s, " ")
}
