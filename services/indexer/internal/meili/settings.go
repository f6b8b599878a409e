package meili

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/searchdoc"
)

// base gives the uid of the index that is rebuilt under uid, or uid itself.
func base(uid string) string { return strings.TrimSuffix(uid, searchdoc.Next("")) }

// translate gives settings the library's form of the same JSON.
func translate(s searchdoc.Settings) (*meilisearch.Settings, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	t := &meilisearch.Settings{}
	if err := json.Unmarshal(b, t); err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	return t, nil
}

// sameSettings compares what searchdoc sets. The engine keeps some of the lists
// in an order of its own.
func sameSettings(want, have meilisearch.Settings) bool {
	return slices.Equal(want.SearchableAttributes, have.SearchableAttributes) &&
		sameWords(want.FilterableAttributes, have.FilterableAttributes) &&
		sameWords(want.SortableAttributes, have.SortableAttributes) &&
		slices.Equal(want.RankingRules, have.RankingRules) &&
		reflect.DeepEqual(want.DistinctAttribute, have.DistinctAttribute) &&
		maps.EqualFunc(want.Synonyms, have.Synonyms, sameWords) &&
		sameWords(want.StopWords, have.StopWords) &&
		reflect.DeepEqual(want.TypoTolerance, have.TypoTolerance) &&
		reflect.DeepEqual(want.Pagination, have.Pagination) &&
		have.Faceting != nil && want.Faceting.MaxValuesPerFacet == have.Faceting.MaxValuesPerFacet
}

func sameWords(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
