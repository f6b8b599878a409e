// Package searchdoc is the contract between the indexer, which writes the
// search engine's documents and settings, and the catalog, which reads them.
//
// A document holds what search matches, filters and sorts by, and no more; the
// catalog's own rows are the answer. A change of Settings or of Document's
// fields is a change of contract: the golden files in testdata/ show it.
package searchdoc

import (
	"slices"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// IndexPlugins is the uid of the index of plugins, and PrimaryKey its key.
const (
	IndexPlugins = "plugins"
	PrimaryKey   = "id"
)

// Document is a plugin as the search engine knows it.
type Document struct {
	ID          string   `json:"id"`
	Slug        string   `json:"slug"`
	Name        string   `json:"name"`
	DisplayName string   `json:"display_name,omitempty"`
	Description string   `json:"description"`
	Keywords    []string `json:"keywords"`
	Components  []string `json:"components"` // names, each once
	Category    string   `json:"category,omitempty"`
	Owner       string   `json:"owner"`
	Marketplace string   `json:"marketplace"` // key
	License     string   `json:"license,omitempty"`
	Has         []string `json:"has"` // component kinds
	State       string   `json:"state"`
	Stars       int      `json:"stars"`
	Featured    bool     `json:"featured"`
	Verified    bool     `json:"verified"`
	Revision    int64    `json:"revision"`
	UpdatedAt   int64    `json:"updated_at"` // Unix seconds
	Origin      string   `json:"origin,omitempty"`
	// Distinct is what search shows once: the origin, or the id of a plugin
	// that has none. Origin itself will not do, since all plugins without one
	// could count as listings of one plugin.
	Distinct string `json:"distinct"`
}

// New makes p's document.
func New(p plugpack.Plugin) Document {
	f := p.Facts
	d := Document{
		ID: p.ID, Slug: p.Slug, Name: p.Name, DisplayName: f.DisplayName, Description: f.Description,
		Keywords: append([]string{}, f.Keywords...), Components: []string{}, Has: []string{},
		Category: f.Category, Owner: p.Marketplace.Key.Owner(), Marketplace: string(p.Marketplace.Key), License: f.License,
		State: string(f.State), Stars: p.Stars, Featured: p.Featured, Verified: p.Verified,
		Revision: p.Revision, UpdatedAt: p.UpdatedAt.Unix(), Origin: f.Origin, Distinct: f.Origin,
	}
	if d.License == "" {
		d.License = p.Marketplace.License
	}
	if d.Distinct == "" {
		d.Distinct = p.ID
	}
	has := map[plugpack.ComponentKind]bool{}
	seen := map[string]bool{}
	for _, c := range f.Components {
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
	return d
}

// Settings are an index's settings, as the search engine's API has them.
type Settings struct {
	SearchableAttributes []string      `json:"searchableAttributes"`
	FilterableAttributes []string      `json:"filterableAttributes"`
	SortableAttributes   []string      `json:"sortableAttributes"`
	RankingRules         []string      `json:"rankingRules"`
	DistinctAttribute    string        `json:"distinctAttribute"`
	TypoTolerance        TypoTolerance `json:"typoTolerance"`
	Pagination           Pagination    `json:"pagination"`
	Faceting             Faceting      `json:"faceting"`
}

// TypoTolerance says which words may be misspelt.
type TypoTolerance struct {
	Enabled             bool        `json:"enabled"`
	MinWordSizeForTypos MinWordSize `json:"minWordSizeForTypos"`
	DisableOnWords      []string    `json:"disableOnWords"`
	DisableOnAttributes []string    `json:"disableOnAttributes"`
}

// MinWordSize is the length from which words may have one and two typos.
type MinWordSize struct {
	OneTypo  int `json:"oneTypo"`
	TwoTypos int `json:"twoTypos"`
}

// Pagination bounds how many hits one search can reach.
type Pagination struct {
	MaxTotalHits int `json:"maxTotalHits"`
}

// Faceting bounds how many values a facet answers with.
type Faceting struct {
	MaxValuesPerFacet int `json:"maxValuesPerFacet"`
}

// PluginSettings are the settings of IndexPlugins.
func PluginSettings() Settings {
	s := Settings{
		// In order of weight: a hit in the name is worth most.
		SearchableAttributes: []string{
			"name", "display_name", "keywords", "description", "components", "category", "owner", "marketplace",
		},
		FilterableAttributes: []string{
			"category", "distinct", "featured", "has", "id", "license", "marketplace", "origin", "owner", "revision", "state", "verified",
		},
		SortableAttributes: []string{"name", "stars", "updated_at"},
		// Stars come last, since most plugins have next to none; then the
		// fresher one wins.
		RankingRules: []string{
			"words", "typo", "proximity", "attribute", "sort", "exactness", "stars:desc", "updated_at:desc",
		},
		DistinctAttribute: "distinct",
		// Plugin names are short: four letters may have one typo.
		TypoTolerance: TypoTolerance{
			Enabled: true, MinWordSizeForTypos: MinWordSize{OneTypo: 4, TwoTypos: 8},
			DisableOnWords: []string{}, DisableOnAttributes: []string{},
		},
		Pagination: Pagination{MaxTotalHits: 10_000},
		Faceting:   Faceting{MaxValuesPerFacet: 200},
	}
	// The engine answers with these two sorted, and the indexer compares.
	slices.Sort(s.FilterableAttributes)
	slices.Sort(s.SortableAttributes)
	return s
}
