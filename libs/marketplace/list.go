package marketplace

import (
	"fmt"
	"strings"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// object is a decoded JSON object.
type object = map[string]any

// client is the version of the client by whose eyes everything is read.
var client = claudecode.Default()

// place says where the client would add the marketplace from.
func place(k plugpack.MarketplaceKey) claudecode.Place {
	if k.Local() {
		return claudecode.Place{Kind: claudecode.PlaceFolder}
	}
	return claudecode.Place{Kind: claudecode.PlaceRepository, Host: k.Host(), Owner: k.Owner()}
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

// entry is one item of "plugins".
type entry struct {
	claudecode.AddedEntry
	fields object
}

// decodeEntry decodes an entry that the client lists.
func decodeEntry(e claudecode.AddedEntry) entry {
	fields, _ := claudecode.DecodeObject(e.Raw)
	return entry{e, fields}
}

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
