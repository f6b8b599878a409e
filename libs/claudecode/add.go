package claudecode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Place is where a marketplace is added from.
type Place struct {
	Kind  string // PlaceRepository, PlaceFolder or PlaceURL
	Host  string
	Owner string
	// Name is the marketplace's own, by which its plugins may name it when they
	// depend on each other; "" if it does not matter.
	Name string
}

// The kinds of places.
const (
	PlaceRepository = "repository"
	PlaceFolder     = "folder"
	PlaceURL        = "url"
)

// Added is what "marketplace add" makes of a marketplace's file.
type Added struct {
	Rejected string // why the client refuses the whole file; "" if it does not
	Name     string
	Head     map[string]any // all but the plugins
	Total    int            // entries in the file, also of a refused one
	Entries  []AddedEntry
}

// AddedEntry is what becomes of one entry.
type AddedEntry struct {
	Index  int
	Name   string
	Result plugpack.AddResult
	Reason string // for all but listed ones
	Raw    json.RawMessage
}

// maxEntry bounds one entry.
const maxEntry = maxFile

// Add says what the client's "marketplace add" makes of the file. Entries are
// decoded one at a time.
func (p *Profile) Add(file []byte, from Place) Added {
	if from.Kind == PlaceURL {
		file = bytes.TrimPrefix(file, mark)
	}
	head, raws, err := SplitMarketplace(file)
	a := Added{Head: head, Total: len(raws)}
	if err != nil {
		a.Rejected = "The file " + err.Error() + "."
		return a
	}
	a.Name, _ = head["name"].(string)
	if a.Rejected = p.rejects(head, a.Name, from); a.Rejected != "" {
		return a
	}
	a.Entries = make([]AddedEntry, 0, len(raws))
	for i, raw := range raws {
		a.Entries = append(a.Entries, p.addEntry(i, raw, head))
	}
	return a
}

// Newer gives the oldest client after p that can use an entry which to p is
// only a stub, and what it makes of it.
func (p *Profile) Newer(stub AddedEntry, head map[string]any) (*Profile, AddedEntry, bool) {
	for _, newer := range profiles[slices.Index(profiles, p)+1:] {
		if e := newer.addEntry(stub.Index, stub.Raw, head); e.Result == plugpack.AddListed {
			return newer, e, true
		}
	}
	return nil, stub, false
}

// SplitMarketplace gives a marketplace's head and its entries, which stay as they
// are. In the head "plugins" is an empty list if it is a list. Where the file
// breaks off, it gives the entries before that too.
func SplitMarketplace(file []byte) (head map[string]any, entries []json.RawMessage, err error) {
	if bytes.HasPrefix(file, mark) {
		return nil, nil, errors.New("begins with a byte order mark; save it as plain UTF-8")
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(file, &top); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, nil, errors.New("is not a JSON object")
		}
		return nil, nil, notJSON(err)
	}
	if top == nil {
		return nil, nil, errors.New("is not a JSON object")
	}
	head = object{}
	for name, raw := range top {
		if name == "plugins" && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
			if entries, err = splitList(raw); err != nil {
				return nil, entries, err
			}
			head[name] = []any{}
			continue
		}
		if len(raw) > maxFile {
			return nil, nil, fmt.Errorf("has a field %.60q of more than %d KiB", name, maxFile>>10)
		}
		if head[name], err = decode(raw); err != nil {
			return nil, nil, err
		}
	}
	return head, entries, nil
}

func splitList(raw json.RawMessage) (items []json.RawMessage, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return nil, notJSON(err)
	}
	for dec.More() {
		var item json.RawMessage
		if err := dec.Decode(&item); err != nil && !errors.Is(err, io.EOF) {
			return items, notJSON(err)
		}
		if items = append(items, item); len(items) > plugpack.MaxEntries {
			return items, fmt.Errorf("has more than %d entries", plugpack.MaxEntries)
		}
	}
	return items, nil
}

// objectMembers are names that every JavaScript object has; the client trips
// over them.
var objectMembers = strings.Fields(`__proto__ constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString
	toString valueOf __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__`)

func (p *Profile) rejects(head object, name string, from Place) string {
	if found := p.head(head); len(found) > 0 {
		return fmt.Sprintf("The file has a bad field %s: %s", found[0].path, found[0].text)
	}
	anthropic := strings.EqualFold(from.Host, "github.com") && strings.EqualFold(from.Owner, "anthropics")
	switch {
	case slices.Contains(p.anthropicNames, p.alike(name)) && !anthropic:
		return fmt.Sprintf("The name %s is kept for Anthropic's own marketplaces; choose another one.", name)
	case slices.Contains(objectMembers, name):
		return fmt.Sprintf("The client breaks at the name %s; choose another one.", name)
	}
	return ""
}

func (p *Profile) addEntry(i int, raw json.RawMessage, head object) AddedEntry {
	e := AddedEntry{Index: i, Raw: raw, Result: plugpack.AddDropped}
	if len(raw) > maxEntry {
		e.Reason = fmt.Sprintf("the entry is larger than %d KiB", maxEntry>>10)
		return e
	}
	o := decodeObject(raw)
	if o != nil && p.underRoot(o, head) {
		e.Raw, _ = json.Marshal(o)
	}
	if o == nil {
		e.Reason = "the entry is not an object"
		return e
	}
	e.Name, _ = o["name"].(string)
	if found := p.isName("name", fieldOf(o, "name")); found != nil {
		e.Reason = "the entry's name: " + found[0].text
		return e
	}
	e.Result = plugpack.AddListed
	if found := p.entry("", o); len(found) > 0 {
		e.Result, e.Reason = plugpack.AddStub, fmt.Sprintf("the client cannot use the entry: %s: %s", found[0].path, found[0].text)
	}
	return e
}

// underRoot writes a source that is a bare name as the folder that it means,
// and says whether there was one.
func (p *Profile) underRoot(entry, head object) bool {
	root, _ := asObject(head["metadata"])["pluginRoot"].(string)
	name, _ := entry["source"].(string)
	if !p.pluginRoot || root == "" || !bareName.MatchString(name) || strings.Contains(name, "..") {
		return false
	}
	entry["source"] = "./" + path.Join(root, name)
	return true
}

// bareName is one part of a path that does not begin with a dot.
var bareName = regexp.MustCompile(`^[^./\\~\s][^/\\\s]*$`)

func fieldOf(o object, name string) any {
	if v, ok := o[name]; ok {
		return v
	}
	return absent{}
}
