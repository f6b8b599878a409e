// Package change is what the indexer's stores apply: one committed state of
// one thing, with its revision, whichever kind of thing it is and whether it
// came as a message or was asked for.
package change

import (
	"github.com/google/uuid"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/searchdoc"
)

// Change is a committed state.
type Change struct {
	Kind     events.Kind
	ID       string
	Revision int64
	Removed  bool
	// Again says that the message was delivered before, so that a newer one may
	// have been handled in between.
	Again bool
	// About names it in errors.
	About string

	document func() any
	pages    func() (map[string]cache.Page, error)
}

// Document gives the search engine's document. It must not be asked of what is
// removed.
func (c Change) Document() any { return c.document() }

// Pages gives every cached page that the state calls for, by key.
func (c Change) Pages() (map[string]cache.Page, error) { return c.pages() }

// Index gives the uid of the search index that has the kind's documents.
func Index(k events.Kind) string {
	if k == events.KindPack {
		return searchdoc.IndexPacks
	}
	return searchdoc.IndexPlugins
}

// OfPlugin makes the change that brings p's state.
func OfPlugin(p plugpack.Plugin) Change {
	return Change{
		Kind: events.KindPlugin, ID: p.ID, Revision: p.Revision, Removed: !p.Listed(), About: p.Key().String(),
		document: func() any { return searchdoc.New(p) },
		pages:    func() (map[string]cache.Page, error) { return cache.Render(p) },
	}
}

// OfPack makes the change that brings p's state. A pack that is not published
// is to readers as one that was removed. It has no cached page: readers get its
// plugins whole with it, which p does not hold.
func OfPack(p plugpack.Pack) Change {
	return Change{
		Kind: events.KindPack, ID: p.ID, Revision: p.Revision, Removed: !p.Live(), About: "pack " + p.Slug,
		document: func() any { return searchdoc.NewPack(p) },
		pages:    func() (map[string]cache.Page, error) { return nil, nil },
	}
}

// OfStates makes the changes that bring what the catalog answered.
func OfStates(s events.States) []Change {
	changes := make([]Change, 0, len(s.Plugins)+len(s.Packs))
	for _, p := range s.Plugins {
		changes = append(changes, OfPlugin(p))
	}
	for _, p := range s.Packs {
		changes = append(changes, OfPack(p))
	}
	return changes
}

// Decode reads a message of the stream. An Invalid error says that no retry
// can help it.
func Decode(m bus.Msg) (c Change, err error) {
	typ, err := events.Type(m.Data)
	if err != nil {
		return c, err
	}
	if typ == events.TypePackChanged {
		c, err = decodePack(m.Data)
	} else {
		c, err = decodePlugin(m.Data)
	}
	c.Again = m.Attempt > 1
	return c, err
}

func decodePack(data []byte) (Change, error) {
	p, err := events.Decode[plugpack.Pack](data, events.TypePackChanged)
	if err != nil {
		return Change{}, err
	}
	if uuid.Validate(p.ID) != nil || p.Slug == "" || p.Revision < 1 {
		return Change{}, errs.New(errs.Invalid, "pack %.100q: an id, a slug and a revision are needed", p.ID)
	}
	return OfPack(p), nil
}

func decodePlugin(data []byte) (Change, error) {
	p, err := events.Decode[plugpack.Plugin](data, events.TypePluginChanged)
	if err != nil {
		return Change{}, err
	}
	if uuid.Validate(p.ID) != nil || p.Slug == "" || p.Revision < 1 {
		return Change{}, errs.New(errs.Invalid, "plugin %.100q: an id, a slug and a revision are needed", p.ID)
	}
	return OfPlugin(p), nil
}
