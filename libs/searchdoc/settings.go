package searchdoc

import "slices"

// Settings are an index's settings, as the search engine's API has them.
type Settings struct {
	SearchableAttributes []string            `json:"searchableAttributes"`
	FilterableAttributes []string            `json:"filterableAttributes"`
	SortableAttributes   []string            `json:"sortableAttributes"`
	RankingRules         []string            `json:"rankingRules"`
	DistinctAttribute    *string             `json:"distinctAttribute"`
	Synonyms             map[string][]string `json:"synonyms"`
	StopWords            []string            `json:"stopWords"`
	TypoTolerance        TypoTolerance       `json:"typoTolerance"`
	Pagination           Pagination          `json:"pagination"`
	Faceting             Faceting            `json:"faceting"`
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

// SettingsOf gives the settings of the index with the uid.
func SettingsOf(uid string) Settings {
	if uid == IndexPacks {
		return PackSettings()
	}
	return PluginSettings()
}

// PluginSettings are the settings of IndexPlugins.
func PluginSettings() Settings {
	s := common()
	// In order of weight: a hit in the name is worth most.
	s.SearchableAttributes = []string{
		"name", "display_name", "keywords", "description", "components", "category", "owner", "marketplace", "excerpt",
	}
	s.FilterableAttributes = []string{
		"archived", "category", "distinct", "featured", "has", "id", "license", "maintenance", "marketplace", "marketplace_name", "origin", "owner",
		"quality", "revision", "schema", "stars", "state", "updated_at", "verified",
	}
	s.SortableAttributes = []string{"first_seen", "name", "quality", "stars", "updated_at"}
	// What the words say comes first. Among plugins that match alike, those that
	// many use, then the better ones, then the fresher; most have next to no
	// stars, so the last two decide often.
	s.RankingRules = append(s.RankingRules, "popularity:desc", "quality:desc", "updated_at:desc")
	s.DistinctAttribute = new("distinct")
	return s.sorted()
}

// PackSettings are the settings of IndexPacks.
func PackSettings() Settings {
	s := common()
	s.SearchableAttributes = []string{"name", "keywords", "description", "plugins"}
	s.FilterableAttributes = []string{"difficulty", "featured", "id", "revision", "schema"}
	s.SortableAttributes = []string{"name", "updated_at"}
	s.RankingRules = append(s.RankingRules, "updated_at:desc")
	return s.sorted()
}

// common is what the indexes have in common.
func common() Settings {
	return Settings{
		RankingRules: []string{"words", "typo", "proximity", "attribute", "sort", "exactness"},
		Synonyms:     Synonyms(), StopWords: slices.Clone(stopWords),
		// Plugin names are short: four letters may have one typo.
		TypoTolerance: TypoTolerance{
			Enabled: true, MinWordSizeForTypos: MinWordSize{OneTypo: 4, TwoTypos: 8},
			DisableOnWords: []string{}, DisableOnAttributes: []string{},
		},
		Pagination: Pagination{MaxTotalHits: 10_000}, // the engine's own bound is 1,000
		Faceting:   Faceting{MaxValuesPerFacet: 200},
	}
}

// sorted sorts the lists that the engine answers with sorted, since the
// indexer compares.
func (s Settings) sorted() Settings {
	slices.Sort(s.FilterableAttributes)
	slices.Sort(s.SortableAttributes)
	slices.Sort(s.StopWords)
	return s
}
