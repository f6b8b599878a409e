// Package cache holds the values that the indexer writes and the gateway
// reads: one rendered page a plugin, by slug and by id.
//
// A page is guarded by its plugin's revision: Put never replaces a newer one,
// in whatever order and however often it is called. Raise marks that a reader
// has seen a revision from the catalog itself, and pages older than that are
// not given any more. A store that lost its marks could give what is older than
// what somebody saw, so it gives nothing until the indexer has filled it from
// the catalog. Losing the whole cache costs speed only.
//
// A pack has a mark at its id and no page: its answer shows its plugins whole,
// and is kept as a response. Of a catalog that was set back, packs' marks are
// not dropped as plugins' are: until they end it answers by itself.
package cache

import (
	"context"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// TTL is how long a page stays without being written again.
const TTL = 24 * time.Hour

// Page is a rendered answer.
type Page struct {
	Revision int64
	Status   int    // 200, 301 or 404
	Location string // of a 301
	Body     []byte // of a 200; of a 404 its detail, where it is not the usual one
}

// Pages is a store of pages. A missing page is no error.
type Pages interface {
	Get(ctx context.Context, key string) (page Page, found bool, err error)
	Put(ctx context.Context, key string, page Page) error
	Raise(ctx context.Context, key string, revision int64) error
}

// Mark is the highest revision seen at a key, and whether its page is there.
type Mark struct {
	Revision int64
	Page     bool
}

// Marks is what the indexer compares with the catalog.
type Marks interface {
	// Marks gives the marks of those keys that have one.
	Marks(ctx context.Context, keys []string) (map[string]Mark, error)
	// EachMark tells every key that begins with prefix. What is written
	// meanwhile may be told twice or not at all.
	EachMark(ctx context.Context, prefix string, tell func(key string, m Mark)) error
	// Drop forgets what was seen at key. It is for a catalog that was set back.
	Drop(ctx context.Context, key string) error
}

// Trust says whether all marks are there, so that pages and responses may be
// given. A store that lost them, being empty, has lost that too.
type Trust interface {
	// Trusted says whether anything is given.
	Trusted(ctx context.Context) (bool, error)
	// Restore lets fill write the marks of all that the catalog has, and from
	// then on gives again, unless the store was lost once more meanwhile.
	Restore(ctx context.Context, fill func(context.Context) error) error
}

// IDPrefix is what the key of every page by id begins with.
const IDPrefix = "page:id:"

// SlugKey is the key of a plugin's page by slug.
func SlugKey(slug string) string { return "page:slug:" + slug }

// IDKey is the key of a plugin's page by id.
func IDKey(id string) string { return IDPrefix + id }

// PluginPath is the address of a plugin's page on the API.
func PluginPath(slug string) string { return "/api/plugins/slug/" + slug }

// Keys gives the keys of every page that shows p: by id, slug and earlier slugs.
func Keys(p plugpack.Plugin) []string {
	keys := []string{IDKey(p.ID), SlugKey(p.Slug)}
	for _, alias := range p.Aliases {
		keys = append(keys, SlugKey(alias))
	}
	return keys
}

// Render makes every page that p's committed state calls for, by key: its own,
// a redirect at each earlier slug, and for a removed plugin a 404, or a
// redirect to the plugin that took its place.
func Render(p plugpack.Plugin) (map[string]Page, error) {
	own := Page{Revision: p.Revision, Status: 404}
	switch {
	case p.Removed && p.Successor != "":
		own.Status, own.Location = 301, PluginPath(p.Successor)
	case p.Hidden != "":
		own.Body = []byte(api.HiddenDetail(p.Hidden))
	case !p.Removed:
		body, err := api.Marshal(api.NewPluginPage(p))
		if err != nil {
			return nil, err
		}
		own.Status, own.Body = 200, body
	}
	pages := map[string]Page{IDKey(p.ID): own, SlugKey(p.Slug): own}
	for _, alias := range p.Aliases {
		moved := own
		if own.Status == 200 {
			moved = Page{Revision: p.Revision, Status: 301, Location: PluginPath(p.Slug)}
		}
		pages[SlugKey(alias)] = moved
	}
	return pages, nil
}
