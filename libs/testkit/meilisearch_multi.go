package testkit

import (
	"maps"
	"net/http"
	"slices"
)

// meiliMulti asks several indexes at once: for an answer each, or, with
// federation, for one list of the hits of all.
type meiliMulti struct {
	Federation *meiliFederation `json:"federation"`
	Queries    []meiliQuery     `json:"queries"`
}

type meiliQuery struct {
	IndexUID string `json:"indexUid"`
	meiliSearch
	FederationOptions *struct {
		Weight *float64 `json:"weight"`
	} `json:"federationOptions"`
}

type meiliFederation struct {
	Offset        int                 `json:"offset"`
	Limit         *int                `json:"limit"`
	FacetsByIndex map[string][]string `json:"facetsByIndex"`
	MergeFacets   *struct {
		MaxValuesPerFacet *int `json:"maxValuesPerFacet"`
	} `json:"mergeFacets"`
}

// multiSearch stops at the first query that is wrong, as the engine does.
func (s *meiliStandIn) multiSearch(r *http.Request) (int, any) {
	var m meiliMulti
	if status, problem := meiliBody(r, &m); problem != nil {
		return status, problem
	}
	var all []meiliFound
	for n, q := range m.Queries {
		i, ok := s.indexes[q.IndexUID]
		if !ok {
			return meiliError("index_not_found", "Inside `.queries[%d]`: Index `%s` not found.", n, q.IndexUID)
		}
		if m.Federation != nil {
			switch {
			case q.Limit != nil || q.Offset != 0 || q.Page != nil || q.HitsPerPage != nil:
				return meiliError("invalid_multi_search_query_pagination", "Inside `.queries[%d]`: Using pagination options is not allowed in federated queries.", n)
			case q.Facets != nil:
				return meiliError("invalid_multi_search_query_facets", "Inside `.queries[%d]`: Using facet options is not allowed in federated queries.", n)
			}
			reach := m.Federation.Offset + m.Federation.limit()
			q.Limit = &reach
		}
		hits, order, status, problem := i.find(q.meiliSearch)
		if problem != nil {
			return status, problem
		}
		all = append(all, meiliFound{query: q, position: n, index: i, hits: hits, order: order, terms: len(i.terms(q.Q))})
	}
	if m.Federation != nil {
		return http.StatusOK, m.Federation.answer(all)
	}
	results := []any{}
	for _, f := range all {
		answer := f.index.answer(f.query.meiliSearch, f.hits, f.order)
		answer["indexUid"] = f.query.IndexUID
		results = append(results, answer)
	}
	return http.StatusOK, map[string]any{"results": results}
}

// meiliFound is what one query found.
type meiliFound struct {
	query    meiliQuery
	position int
	index    *meiliIndex
	hits     []meiliHit
	order    func(a, b *meiliHit) int
	terms    int
}

// score is how well a hit answers, from 0 to 1, times the query's weight. The
// engine's own figure is another, and like this one it falls with words that are
// missing, typos, and attributes that come later.
func (f meiliFound) score(h meiliHit) float64 {
	weight := 1.0
	if o := f.query.FederationOptions; o != nil && o.Weight != nil {
		weight = *o.Weight
	}
	score := 1.0
	if f.terms > 0 {
		score = float64(h.words) / float64(f.terms)
		for range h.typos {
			score *= 0.9
		}
		score *= (1 - 0.02*float64(min(h.attribute, 20))) * (0.9 + 0.1*float64(h.exact)/float64(max(h.words, 1)))
	}
	return weight * score
}

func (m *meiliFederation) limit() int {
	if m.Limit == nil {
		return 20
	}
	return *m.Limit
}

// answer merges what the queries found, the best score first; what one query
// found stays in its order.
func (m *meiliFederation) answer(all []meiliFound) map[string]any {
	total := 0
	for n := range all {
		f := &all[n]
		total += len(f.hits)
		slices.SortFunc(f.hits, func(a, b meiliHit) int { return f.order(&a, &b) })
	}
	hits := []any{}
	next := make([]int, len(all))
	for taken := 0; taken < m.Offset+m.limit(); taken++ {
		best := -1
		for n, f := range all {
			if next[n] < len(f.hits) && (best < 0 || f.score(f.hits[next[n]]) > all[best].score(all[best].hits[next[best]])) {
				best = n
			}
		}
		if best < 0 {
			break
		}
		f := all[best]
		h := f.hits[next[best]]
		next[best]++
		if taken < m.Offset {
			continue
		}
		document := f.index.object(h.doc, f.query.AttributesToRetrieve)
		document["_federation"] = map[string]any{
			"indexUid": f.query.IndexUID, "queriesPosition": f.position, "weightedRankingScore": f.score(h),
		}
		hits = append(hits, document)
	}
	answer := map[string]any{"hits": hits, "offset": m.Offset, "limit": m.limit(), "estimatedTotalHits": total, "processingTimeMs": 0}
	maps.Copy(answer, m.facets(all))
	return answer
}

// facets are given by index, or together if they are to be merged.
func (m *meiliFederation) facets(all []meiliFound) map[string]any {
	if len(m.FacetsByIndex) == 0 {
		return nil
	}
	byIndex, merged := map[string]any{}, map[string]map[string]int{}
	for _, f := range all {
		facets, ok := m.FacetsByIndex[f.query.IndexUID]
		if !ok {
			continue
		}
		counts, stats := f.index.distribution(f.hits, facets)
		byIndex[f.query.IndexUID] = map[string]any{"distribution": counts, "stats": stats}
		for facet, values := range counts {
			if merged[facet] == nil {
				merged[facet] = map[string]int{}
			}
			for value, n := range values {
				merged[facet][value] += n
			}
		}
	}
	if m.MergeFacets == nil {
		return map[string]any{"facetsByIndex": byIndex}
	}
	return map[string]any{"facetDistribution": merged}
}
