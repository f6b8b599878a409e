package testkit

import (
	"encoding/json"
	"maps"
	"slices"
)

// meiliIndex is an index. Only the worker changes one, and under the stand-in's
// lock.
type meiliIndex struct {
	primaryKey string
	settings   map[string]any

	fields map[string]int // place of each name in a document's values
	names  []string
	docs   map[string]*meiliDoc
	order  []*meiliDoc // by place; nil where one is gone
	// numbered has the documents as the dictionary knows them, nil where it was
	// replaced or deleted: the dictionary is only added to, and made anew when
	// most of what it knows is gone.
	numbered []*meiliDoc
	words    *meiliWords
	// codes are numbers for the texts of the attributes that are filtered and
	// counted by, so that counting does not compare texts.
	codes map[string]int32
	texts []string // by code
	coded map[string]bool
}

// meiliDoc is a document, which is never changed.
type meiliDoc struct {
	id     string
	place  int     // in the order of first additions
	number int     // in the dictionary
	values []any   // by the index's fields
	codes  []int32 // of those that are texts and coded, else 0
}

// absent stands for a field that a document does not have; null is nil.
type absent struct{}

func newMeiliIndex() *meiliIndex {
	i := &meiliIndex{settings: defaultMeiliSettings(), fields: map[string]int{}, docs: map[string]*meiliDoc{}}
	i.renumber()
	return i
}

// field gives the place of a name in documents' values.
func (i *meiliIndex) field(name string) int {
	n, ok := i.fields[name]
	if !ok {
		n = len(i.names)
		i.fields[name], i.names = n, append(i.names, name)
	}
	return n
}

// meiliValue gives a document's value, nil of one that has none.
type meiliValue func(*meiliDoc) (v any, there bool)

// reader gives the values that documents have under the name; they may be asked
// for at every document.
func (i *meiliIndex) reader(name string) meiliValue {
	n, known := i.fields[name]
	return func(d *meiliDoc) (any, bool) {
		if !known || n >= len(d.values) || d.values[n] == (any)(absent{}) {
			return nil, false
		}
		return d.values[n], true
	}
}

// object gives a document's fields, or those with the names; none or "*" are
// all.
func (i *meiliIndex) object(d *meiliDoc, names []string) map[string]any {
	if len(names) == 0 || slices.Contains(names, "*") {
		names = i.names
	}
	out := make(map[string]any, len(names))
	for _, name := range names {
		if v, there := i.reader(name)(d); there {
			out[name] = v
		}
	}
	return out
}

func (i *meiliIndex) objects(docs []*meiliDoc, names []string) []map[string]any {
	out := make([]map[string]any, len(docs))
	for n, d := range docs {
		out[n] = i.object(d, names)
	}
	return out
}

// all gives the documents in the order of their first additions.
func (i *meiliIndex) all() []*meiliDoc {
	all := make([]*meiliDoc, 0, len(i.docs))
	for _, d := range i.order {
		if d != nil {
			all = append(all, d)
		}
	}
	return all
}

// put adds or replaces documents, or merges their fields.
func (i *meiliIndex) put(ids []string, docs []map[string]any, partial bool) {
	for n, fields := range docs {
		id := ids[n]
		old, known := i.docs[id]
		if known && partial {
			fields = merged(i.object(old, nil), fields)
		}
		d := &meiliDoc{id: id, place: len(i.order)}
		if known {
			d.place = old.place
			i.numbered[old.number] = nil
		} else {
			i.order = append(i.order, nil)
		}
		i.order[d.place], i.docs[id] = d, d
		i.fill(d, fields)
		i.enter(d)
	}
	i.words.sort()
	i.tidy()
}

func merged(old, changes map[string]any) map[string]any {
	maps.Copy(old, changes)
	return old
}

func (i *meiliIndex) fill(d *meiliDoc, fields map[string]any) {
	for name := range fields {
		i.field(name)
	}
	d.values = make([]any, len(i.names))
	for n, name := range i.names {
		d.values[n] = absent{}
		if v, there := fields[name]; there {
			d.values[n] = v
		}
	}
}

// enter makes the document one that is found.
func (i *meiliIndex) enter(d *meiliDoc) {
	d.codes = make([]int32, len(d.values))
	for n, v := range d.values {
		if text, ok := v.(string); ok && i.coded[i.names[n]] {
			d.codes[n] = i.code(text)
		}
	}
	d.number = len(i.numbered)
	i.numbered = append(i.numbered, d)
	i.words.add(uint32(d.number), func(name string) any { v, _ := i.reader(name)(d); return v }, i.names)
}

func (i *meiliIndex) code(text string) int32 {
	code, ok := i.codes[text]
	if !ok {
		code = int32(len(i.texts))
		i.codes[text], i.texts = code, append(i.texts, text)
	}
	return code
}

// coder gives the codes that documents have under the name, 0 where there is
// none.
func (i *meiliIndex) coder(name string) func(*meiliDoc) int32 {
	n, known := i.fields[name]
	return func(d *meiliDoc) int32 {
		if !known || n >= len(d.codes) {
			return 0
		}
		return d.codes[n]
	}
}

func (i *meiliIndex) remove(ids ...string) (removed int) {
	for _, id := range ids {
		if d, ok := i.docs[id]; ok {
			removed++
			delete(i.docs, id)
			i.order[d.place], i.numbered[d.number] = nil, nil
		}
	}
	i.tidy()
	return removed
}

// tidy makes order and dictionary anew when most of what they hold is gone, so
// that they stay bounded by the documents that are there.
func (i *meiliIndex) tidy() {
	if len(i.numbered) > 2*len(i.docs)+1000 || len(i.order) > 2*len(i.docs)+1000 {
		i.renumber()
	}
}

// renumber enters all documents into a dictionary of the present settings.
func (i *meiliIndex) renumber() {
	all := i.all()
	i.words, i.numbered, i.order = newMeiliWords(i.settings), nil, nil
	i.codes, i.texts, i.coded = map[string]int32{}, []string{""}, map[string]bool{} // 0 is no code
	for _, name := range append(settingList(i.settings["filterableAttributes"]), settingList(i.settings["distinctAttribute"])...) {
		i.coded[name] = true
	}
	for _, old := range all {
		d := &meiliDoc{id: old.id, place: len(i.order), values: old.values}
		i.order, i.docs[d.id] = append(i.order, d), d
		i.enter(d)
	}
	i.words.sort()
}

// decodeDocuments reads one document or a list of them.
func decodeDocuments(raw json.RawMessage) (docs []map[string]any, err error) {
	if json.Unmarshal(raw, &docs) != nil {
		docs = make([]map[string]any, 1)
		err = json.Unmarshal(raw, &docs[0])
	}
	return docs, err
}
