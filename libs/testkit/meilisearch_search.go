package testkit

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

type meiliSearch struct {
	Q                    string   `json:"q"`
	Offset               int      `json:"offset"`
	Limit                *int     `json:"limit"`
	Page                 *int     `json:"page"`
	HitsPerPage          *int     `json:"hitsPerPage"`
	Filter               any      `json:"filter"`
	Facets               []string `json:"facets"`
	Sort                 []string `json:"sort"`
	MatchingStrategy     string   `json:"matchingStrategy"`
	AttributesToRetrieve []string `json:"attributesToRetrieve"`
	AttributesToSearchOn []string `json:"attributesToSearchOn"`
}

// search finds documents that hold the words of q, the last one as a prefix,
// with typos and synonyms as the settings have them. When too few hold all of
// them, words are left out from the end, or not with the strategy "all". Hits
// rank by the index's ranking rules; proximity is not reckoned. Attributes to search
// on count only if they come first among the searchable ones.
func (s *meiliStandIn) search(r *http.Request) (int, any) {
	i, status, problem := s.index(r)
	if i == nil {
		return status, problem
	}
	var q meiliSearch
	if status, problem := meiliBody(r, &q); problem != nil {
		return status, problem
	}
	found, order, status, problem := i.find(q)
	if problem != nil {
		return status, problem
	}
	return http.StatusOK, i.answer(q, found, order)
}

// find gives all hits without their order, and how they are ordered.
func (i *meiliIndex) find(q meiliSearch) (found []meiliHit, order func(a, b *meiliHit) int, status int, problem any) {
	wrong := func(code, format string, args ...any) ([]meiliHit, func(a, b *meiliHit) int, int, any) {
		status, problem := meiliError(code, format, args...)
		return nil, nil, status, problem
	}
	keep, err := i.filter(q.Filter)
	if err != nil {
		return wrong("invalid_search_filter", "%v", err)
	}
	order, err = i.ranking(q.Sort)
	if err != nil {
		return wrong("invalid_search_sort", "%v", err)
	}
	for _, facet := range q.Facets {
		if facet != "*" && !slices.Contains(settingList(i.settings["filterableAttributes"]), facet) {
			return wrong("invalid_search_facets", "Invalid facet distribution: Attribute `%s` is not filterable.", facet)
		}
	}
	switch q.MatchingStrategy {
	case "", "last", "all", "frequency":
	default:
		return wrong("invalid_search_matching_strategy", "Unknown value `%s` at `.matchingStrategy`: expected one of `last`, `all`, `frequency`", q.MatchingStrategy)
	}
	if q.Limit != nil && *q.Limit < 0 || q.Offset < 0 {
		return wrong("invalid_search_limit", "Invalid value type at `.limit`: expected a positive integer")
	}
	return i.distinct(i.match(q, keep), order), order, 0, nil
}

// answer shows a part of the hits, of which no more than maxTotalHits count.
func (i *meiliIndex) answer(q meiliSearch, found []meiliHit, order func(a, b *meiliHit) int) map[string]any {
	reachable := len(found)
	if bound, ok := i.number("pagination", "maxTotalHits"); ok {
		reachable = min(reachable, bound)
	}
	limit := 20
	if q.Limit != nil {
		limit = *q.Limit
	}
	answer := map[string]any{"query": q.Q, "processingTimeMs": 0}
	offset := q.Offset
	if q.Page != nil || q.HitsPerPage != nil {
		page, each := 1, 20
		if q.Page != nil {
			page = *q.Page
		}
		if q.HitsPerPage != nil {
			each = *q.HitsPerPage
		}
		limit, offset = each, max(page-1, 0)*each
		pages := 0
		if each > 0 {
			pages = (reachable + each - 1) / each
		}
		maps.Copy(answer, map[string]any{"page": page, "hitsPerPage": each, "totalPages": pages, "totalHits": reachable})
	} else {
		maps.Copy(answer, map[string]any{"offset": offset, "limit": limit, "estimatedTotalHits": reachable})
	}
	if q.Facets != nil {
		answer["facetDistribution"], answer["facetStats"] = i.distribution(found, q.Facets)
	}
	offset = min(offset, reachable)
	answer["hits"] = i.objects(first(found, offset, min(offset+limit, reachable), order), q.AttributesToRetrieve)
	return answer
}

func (i *meiliIndex) number(setting, member string) (int, bool) {
	object, _ := i.settings[setting].(map[string]any)
	n, ok := object[member].(float64)
	return int(n), ok
}

// meiliMessage is an error in the engine's own words.
type meiliMessage string

// Error gives the words.
func (m meiliMessage) Error() string { return string(m) }

func meiliText(format string, args ...any) error { return meiliMessage(fmt.Sprintf(format, args...)) }

// meiliHit is a document with what the ranking rules look at.
type meiliHit struct {
	doc       *meiliDoc
	words     uint8 // of the query that it answers
	typos     uint8
	attribute uint8
	exact     uint8 // words that it has as they were asked for
}

func (i *meiliIndex) match(q meiliSearch, keep func(*meiliDoc) bool) []meiliHit {
	var found []meiliHit
	terms := i.terms(q.Q)
	if len(terms) == 0 {
		for _, d := range i.numbered {
			if d != nil && keep(d) {
				found = append(found, meiliHit{doc: d})
			}
		}
		return found
	}
	wanted := q.Offset + 20
	if q.Limit != nil {
		wanted = q.Offset + *q.Limit
	}
	seen := make([]bool, len(i.numbered))
	for n := len(terms); n > 0 && (n == len(terms) || q.MatchingStrategy != "all" && len(found) < wanted); n-- {
		for doc, d := range i.numbered {
			if !terms[0][doc].there || seen[doc] {
				continue
			}
			if h, ok := answers(d, terms[:n]); ok && keep(d) && i.searchedOn(q, terms[:n], doc) {
				seen[doc] = true
				found = append(found, h)
			}
		}
	}
	return found
}

// terms gives how the documents answer each word of a query but stop words.
func (i *meiliIndex) terms(q string) (terms []meiliTerms) {
	asked := words(q)
	stop := settingList(i.settings["stopWords"])
	open := strings.TrimRight(q, " ") == q // the last word may go on
	for n, word := range asked {
		last := n == len(asked)-1
		if slices.Contains(stop, word) && !(last && open && len(asked) == 1) {
			continue
		}
		terms = append(terms, i.term(word, last && open))
	}
	i.phrases(asked, terms)
	return terms
}

// phrases lets a synonym of several words of the query answer for each of them.
func (i *meiliIndex) phrases(asked []string, terms []meiliTerms) {
	table, _ := i.settings["synonyms"].(map[string]any)
	if len(terms) != len(asked) {
		return // places shifted by stop words
	}
	for from := range asked {
		for to := from + 2; to <= min(len(asked), from+4); to++ {
			for _, other := range settingList(table[strings.Join(asked[from:to], " ")]) {
				all := i.every(words(other))
				for _, term := range terms[from:to] {
					term.fill(all)
				}
			}
		}
	}
}

// searchedOn says whether the document answers the terms by attributes that the
// query names, if it names any.
func (i *meiliIndex) searchedOn(q meiliSearch, terms []meiliTerms, doc int) bool {
	attributes := i.words.attributes
	return q.AttributesToSearchOn == nil || !slices.ContainsFunc(terms, func(term meiliTerms) bool {
		at := int(term[doc].attribute)
		return at >= len(attributes) || !slices.Contains(q.AttributesToSearchOn, attributes[at])
	})
}

func answers(d *meiliDoc, terms []meiliTerms) (h meiliHit, ok bool) {
	h = meiliHit{doc: d, words: uint8(len(terms)), attribute: 64}
	for _, term := range terms {
		hit := term[d.number]
		if !hit.there {
			return h, false
		}
		h.typos += hit.typos
		h.attribute = min(h.attribute, hit.attribute)
		if hit.exact {
			h.exact++
		}
	}
	return h, true
}

// ranking orders by the index's ranking rules, one after the other, and what
// ranks alike by age.
func (i *meiliIndex) ranking(sort []string) (func(a, b *meiliHit) int, error) {
	sortable := settingList(i.settings["sortableAttributes"])
	for _, s := range sort {
		name, direction, _ := strings.Cut(s, ":")
		if direction != "asc" && direction != "desc" {
			return nil, meiliText("Invalid syntax for the sort parameter: expected expression ending by `:asc` or `:desc`, found `%s`.", s)
		}
		if !slices.Contains(sortable, name) {
			return nil, meiliText("Attribute `%s` is not sortable. Available sortable attributes are: `%s`.", name, strings.Join(sortable, ", "))
		}
	}
	var rules []func(a, b *meiliHit) int
	for _, rule := range settingList(i.settings["rankingRules"]) {
		switch rule {
		case "words":
			rules = append(rules, func(a, b *meiliHit) int { return cmp.Compare(b.words, a.words) })
		case "typo":
			rules = append(rules, func(a, b *meiliHit) int { return cmp.Compare(a.typos, b.typos) })
		case "attribute":
			rules = append(rules, func(a, b *meiliHit) int { return cmp.Compare(a.attribute, b.attribute) })
		case "exactness":
			rules = append(rules, func(a, b *meiliHit) int { return cmp.Compare(b.exact, a.exact) })
		case "sort":
			for _, s := range sort {
				rules = append(rules, i.byValue(s))
			}
		case "proximity":
		default:
			rules = append(rules, i.byValue(rule))
		}
	}
	return func(a, b *meiliHit) int {
		for _, rule := range rules {
			if c := rule(a, b); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.doc.place, b.doc.place)
	}, nil
}

// byValue orders as "name:asc" or "name:desc" says; what has no value is last.
func (i *meiliIndex) byValue(rule string) func(a, b *meiliHit) int {
	name, direction, _ := strings.Cut(rule, ":")
	value := i.reader(name)
	return func(a, b *meiliHit) int {
		x, _ := value(a.doc)
		y, _ := value(b.doc)
		if x == nil || y == nil {
			return cmp.Compare(boolInt(x == nil), boolInt(y == nil))
		}
		c := compareValues(x, y)
		if direction == "desc" {
			return -c
		}
		return c
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compareValues(a, b any) int {
	x, ok1 := a.(float64)
	y, ok2 := b.(float64)
	if ok1 && ok2 {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(flatten(a), flatten(b))
}

// distinct keeps the best hit of each value of the distinct attribute.
func (i *meiliIndex) distinct(found []meiliHit, order func(a, b *meiliHit) int) []meiliHit {
	attribute, _ := i.settings["distinctAttribute"].(string)
	if attribute == "" {
		return found
	}
	value, code := i.reader(attribute), i.coder(attribute)
	best := make([]int32, len(i.texts)) // places among kept, from 1 on, by code
	others := map[string]int32{}        // and by what is no text
	kept := found[:0]
	for n := range found {
		at := code(found[n].doc)
		v, _ := value(found[n].doc)
		place := best[at]
		if at == 0 && v != nil {
			place = others[meiliString(v)]
		}
		if place > 0 {
			if order(&found[n], &kept[place-1]) < 0 {
				kept[place-1] = found[n]
			}
			continue
		}
		kept = append(kept, found[n])
		switch {
		case at > 0:
			best[at] = int32(len(kept))
		case v != nil:
			others[meiliString(v)] = int32(len(kept))
		}
	}
	return kept
}

// first gives the hits from one place to another, without sorting what comes
// behind them: a heap of the best, the worst of them on top.
func first(found []meiliHit, from, to int, order func(a, b *meiliHit) int) []*meiliDoc {
	best := meiliBest{order: order}
	for n := range found {
		switch {
		case len(best.hits) < to:
			heap.Push(&best, found[n])
		case to > 0 && order(&found[n], &best.hits[0]) < 0:
			best.hits[0] = found[n]
			heap.Fix(&best, 0)
		}
	}
	slices.SortFunc(best.hits, func(a, b meiliHit) int { return order(&a, &b) })
	docs := []*meiliDoc{}
	for _, h := range best.hits[min(from, len(best.hits)):] {
		docs = append(docs, h.doc)
	}
	return docs
}

type meiliBest struct {
	hits  []meiliHit
	order func(a, b *meiliHit) int
}

// Len, Less, Swap, Push and Pop are container/heap's.
func (b *meiliBest) Len() int           { return len(b.hits) }
func (b *meiliBest) Less(x, y int) bool { return b.order(&b.hits[x], &b.hits[y]) > 0 }
func (b *meiliBest) Swap(x, y int)      { b.hits[x], b.hits[y] = b.hits[y], b.hits[x] }
func (b *meiliBest) Push(h any)         { b.hits = append(b.hits, h.(meiliHit)) }
func (b *meiliBest) Pop() any           { panic("nothing is taken from it") }

// distribution counts each facet's values, of which maxValuesPerFacet are
// shown, and gives the bounds of those that are numbers.
func (i *meiliIndex) distribution(found []meiliHit, facets []string) (counts map[string]map[string]int, stats map[string]map[string]float64) {
	if slices.Contains(facets, "*") {
		facets = settingList(i.settings["filterableAttributes"])
	}
	counts, stats = map[string]map[string]int{}, map[string]map[string]float64{}
	most, bounded := i.number("faceting", "maxValuesPerFacet")
	for _, facet := range facets {
		all, value := map[string]int{}, i.reader(facet)
		byCode, code := make([]int, len(i.texts)), i.coder(facet)
		for _, h := range found {
			if at := code(h.doc); at > 0 {
				byCode[at]++
				continue
			}
			v, _ := value(h.doc)
			count(v, all)
			if n, ok := v.(float64); ok {
				if stats[facet] == nil {
					stats[facet] = map[string]float64{"min": n, "max": n}
				}
				stats[facet]["min"], stats[facet]["max"] = min(stats[facet]["min"], n), max(stats[facet]["max"], n)
			}
		}
		for at, n := range byCode {
			if n > 0 {
				all[i.texts[at]] += n
			}
		}
		counts[facet] = all
		if !bounded || len(all) <= most {
			continue
		}
		counts[facet] = map[string]int{}
		for _, v := range slices.Sorted(maps.Keys(all))[:most] {
			counts[facet][v] = all[v]
		}
	}
	return counts, stats
}

func count(v any, all map[string]int) {
	switch v := v.(type) {
	case nil:
	case string:
		all[v]++
	case []any:
		for _, e := range v {
			count(e, all)
		}
	default:
		all[meiliString(v)]++
	}
}

func settingList(v any) []string { return values(v) }

// values gives a value's texts: one of a scalar, each of a list.
func values(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, values(e)...)
		}
		return out
	default:
		return []string{meiliString(v)}
	}
}

func flatten(v any) string { return strings.Join(values(v), " ") }
