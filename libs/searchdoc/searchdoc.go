// Package searchdoc is the contract between the indexer, which writes the
// search engine's documents and settings, and the catalog, which reads them.
//
// A document holds what search matches, filters and sorts by, and no more; the
// catalog's own rows are the answer. A change of the documents or settings is a
// change of contract: the golden files in testdata/ show it, and Schema has to
// be raised with it. An index whose documents are of another schema is rebuilt
// beside the one that is searched, and swapped in when it is whole. An index
// that is missing or empty is one that is not ready: the reader then asks
// Postgres.
package searchdoc

import (
	"math/bits"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Schema is the version of documents and settings together. Each document
// carries it.
const Schema = 4

// The uids of the indexes, and the primary key of their documents.
const (
	IndexPlugins = "plugins"
	IndexPacks   = "packs"
	PrimaryKey   = "id"
)

// Next is the uid under which the index with the uid is rebuilt.
func Next(uid string) string { return uid + "_next" }

// Mark is what every document has: whose it is, and which state of it.
type Mark struct {
	ID       string `json:"id"`
	Revision int64  `json:"revision"`
	Schema   int    `json:"schema"`
}

// Document is a plugin as the search engine knows it.
type Document struct {
	Mark
	Slug            string   `json:"slug"`
	Name            string   `json:"name"`
	DisplayName     string   `json:"display_name,omitempty"`
	Description     string   `json:"description"`
	Keywords        []string `json:"keywords"`
	Components      []string `json:"components"`        // names, each once
	Excerpt         string   `json:"excerpt,omitempty"` // beginning of its readme
	Category        string   `json:"category,omitempty"`
	Owner           string   `json:"owner"`
	Marketplace     string   `json:"marketplace"` // key
	MarketplaceName string   `json:"marketplace_name"`
	License         string   `json:"license,omitempty"`
	Has             []string `json:"has"` // component kinds
	State           string   `json:"state"`
	Stars           int      `json:"stars"`
	// Popularity grows by one each time the stars double, so that a few stars
	// more or less do not outweigh a better plugin.
	Popularity int `json:"popularity"`
	// Quality is the score of the quality report, 0 to 100, and 0 of a plugin
	// that has none.
	Quality     int    `json:"quality"`
	Maintenance string `json:"maintenance"` // of the marketplace's repository
	Featured    bool   `json:"featured"`
	Verified    bool   `json:"verified"`
	Archived    bool   `json:"archived"`
	FirstSeen   int64  `json:"first_seen"` // Unix seconds
	UpdatedAt   int64  `json:"updated_at"` // Unix seconds
	Origin      string `json:"origin,omitempty"`
	// Distinct is what search shows once: the origin, or the id of a plugin
	// that has none. Origin itself will not do, since all plugins without one
	// could count as listings of one plugin.
	Distinct string `json:"distinct"`
}

// MaxExcerpt bounds what search reads of a readme, in bytes.
const MaxExcerpt = 2000

// New makes p's document.
func New(p plugpack.Plugin) Document {
	f := p.Facts
	d := Document{
		Mark: Mark{p.ID, p.Revision, Schema}, Slug: p.Slug, Name: p.Name, DisplayName: f.DisplayName, Description: f.Description,
		Keywords: append([]string{}, f.Keywords...), Components: []string{}, Has: []string{}, Excerpt: excerpt(f.Documents.Readme),
		Category: f.Category, Owner: p.Marketplace.Key.Owner(), Marketplace: string(p.Marketplace.Key), MarketplaceName: p.Marketplace.Name,
		License: p.License(), Maintenance: string(p.Maintenance), State: string(f.State), Stars: p.Stars, Popularity: bits.Len(uint(max(p.Stars, 0))),
		Featured: p.Featured, Verified: p.Verified, Archived: p.Marketplace.Archived,
		FirstSeen: p.FirstSeen.Unix(), UpdatedAt: p.UpdatedAt.Unix(), Origin: f.Origin, Distinct: f.Origin,
	}
	if d.Distinct == "" {
		d.Distinct = p.ID
	}
	if p.Score != nil {
		d.Quality = *p.Score
	}
	d.addComponents(f.Components)
	return d
}

func (d *Document) addComponents(components []plugpack.Component) {
	has := map[plugpack.ComponentKind]bool{}
	seen := map[string]bool{}
	for _, c := range components {
		has[c.Kind] = true
		if !seen[c.Name] {
			seen[c.Name] = true
			d.Components = append(d.Components, c.Name)
		}
	}
	for _, k := range plugpack.ComponentKinds {
		if has[k] {
			d.Has = append(d.Has, string(k))
		}
	}
}

// excerpt gives the beginning of a text as one line.
func excerpt(d *plugpack.Document) string {
	if d == nil {
		return ""
	}
	// Blanks and markup may go, so the cut before cleaning leaves some room.
	return plugpack.Cut(plugpack.Clean(d.Text[:min(len(d.Text), 4*MaxExcerpt)]), MaxExcerpt)
}

// NewPack makes p's document.
func NewPack(p plugpack.Pack) Pack {
	d := Pack{
		Mark: Mark{p.ID, p.Revision, Schema}, Slug: p.Slug, Name: p.Name, Description: p.Description,
		Keywords: append([]string{}, p.Tags...), Plugins: []string{}, Difficulty: string(p.Difficulty), Featured: p.Featured, UpdatedAt: p.UpdatedAt.Unix(),
	}
	for _, member := range p.Plugins {
		if !member.Gone {
			d.Plugins = append(d.Plugins, member.Name)
		}
	}
	return d
}

// Pack is a pack as the search engine knows it.
type Pack struct {
	Mark
	Slug        string   `json:"slug"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Keywords    []string `json:"keywords"`
	Plugins     []string `json:"plugins"` // names, in order
	Difficulty  string   `json:"difficulty,omitempty"`
	Featured    bool     `json:"featured"`
	UpdatedAt   int64    `json:"updated_at"` // Unix seconds
}
