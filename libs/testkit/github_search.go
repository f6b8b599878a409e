package testkit

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxSearchResults is how many results of a search can be had.
const maxSearchResults = 1000

// GiveUpSearches makes the next n searches answer that they are incomplete,
// with half of what they would have found.
func (g *GitHubServer) GiveUpSearches(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.incomplete = n
}

// searchTerm is one part of a query: a qualifier, or a word without one.
type searchTerm struct {
	name, value string
	not         bool
}

func searchTerms(q string) (terms []searchTerm) {
	not := false
	for _, field := range strings.Fields(q) {
		if field == "NOT" {
			not = true
			continue
		}
		name, value, is := strings.Cut(strings.TrimPrefix(field, "-"), ":")
		if !is {
			name, value = "", name
		}
		terms = append(terms, searchTerm{name, strings.ToLower(value), not || strings.HasPrefix(field, "-")})
		not = false
	}
	return terms
}

// inRange understands 5, 5..9, >=5, <=5, >5 and <5.
func inRange[T cmp.Ordered](x T, text string, parse func(string) (T, error)) bool {
	from, to, is := strings.Cut(text, "..")
	if is {
		a, err1 := parse(from)
		b, err2 := parse(to)
		return err1 == nil && err2 == nil && a <= x && x <= b
	}
	number := strings.TrimLeft(text, "<>=")
	n, err := parse(number)
	if err != nil {
		return false
	}
	switch strings.TrimSuffix(text, number) {
	case ">=":
		return x >= n
	case "<=":
		return x <= n
	case ">":
		return x > n
	case "<":
		return x < n
	}
	return x == n
}

func seconds(text string) (int64, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, strings.ToUpper(text)); err == nil {
			return t.Unix(), nil
		}
	}
	return 0, fmt.Errorf("%q is not a time", text)
}

type searchHit struct {
	order uint64
	item  map[string]any
}

func (g *GitHubServer) searchCode(req *http.Request) (int, http.Header, []byte) {
	if req.Header.Get("Authorization") == "" {
		return message(http.StatusUnauthorized, "Requires authentication")
	}
	terms := searchTerms(req.URL.Query().Get("q"))
	var hits []searchHit
	for _, r := range g.repos {
		if r.gone != 0 {
			continue
		}
		for name, text := range r.files {
			if fileFits(name, text, terms) {
				hits = append(hits, searchHit{hash(r.name, name), map[string]any{
					"name": path.Base(name), "path": name, "repository": map[string]any{"id": r.id, "full_name": r.name, "private": false},
				}})
			}
		}
	}
	return g.searched(req, terms, hits)
}

// largestSearched is the size from which files are not searched.
const largestSearched = 384 << 10

func fileFits(name, text string, terms []searchTerm) bool {
	if len(text) >= largestSearched {
		return false
	}
	for _, t := range terms {
		fits := true
		switch t.name {
		case "filename":
			fits = strings.ToLower(path.Base(name)) == t.value
		case "path":
			fits = strings.Contains("/"+strings.ToLower(path.Dir(name))+"/", "/"+strings.Trim(t.value, "/")+"/")
		case "extension":
			fits = strings.TrimPrefix(path.Ext(name), ".") == t.value
		case "size":
			fits = inRange(len(text), t.value, strconv.Atoi)
		case "":
			fits = slices.Contains(strings.FieldsFunc(strings.ToLower(text), notInWord), t.value)
		}
		if fits == t.not {
			return false
		}
	}
	return true
}

func notInWord(r rune) bool { return r < '0' || r > '9' && r < 'a' || r > 'z' }

func (g *GitHubServer) searchRepositories(req *http.Request) (int, http.Header, []byte) {
	terms := searchTerms(req.URL.Query().Get("q"))
	var hits []searchHit
	for _, r := range g.repos {
		if r.gone == 0 && repoFits(r, terms) {
			hits = append(hits, searchHit{hash(r.name), g.object(r)})
		}
	}
	return g.searched(req, terms, hits)
}

func repoFits(r *gitHubRepo, terms []searchTerm) bool {
	for _, t := range terms {
		fits := true
		switch t.name {
		case "topic":
			fits = slices.Contains(r.topics, t.value)
		case "created":
			fits = inRange(r.created.Unix(), t.value, seconds)
		case "pushed":
			fits = inRange(r.pushed().Unix(), t.value, seconds)
		case "stars":
			fits = inRange(r.stars, t.value, strconv.Atoi)
		case "":
			fits = strings.Contains(strings.ToLower(r.name), t.value)
		}
		if fits == t.not {
			return false
		}
	}
	return true
}

// searched gives one page in an order of its own that says nothing.
func (g *GitHubServer) searched(req *http.Request, terms []searchTerm, hits []searchHit) (int, http.Header, []byte) {
	q := req.URL.Query()
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(q.Get(name)); err == nil && n > 0 {
			return n
		}
		return otherwise
	}
	per, page := min(number("per_page", 30), 100), number("page", 1)
	nots := 0
	for _, t := range terms {
		if t.not && t.name == "" {
			nots++
		}
	}
	switch {
	case len(terms) == 0 || len(q.Get("q")) > 256 || nots > 5:
		return message(http.StatusUnprocessableEntity, "Validation Failed")
	case (page-1)*per >= maxSearchResults:
		return message(http.StatusUnprocessableEntity, "Only the first 1000 search results are available")
	}
	slices.SortFunc(hits, func(a, b searchHit) int { return cmp.Compare(a.order, b.order) })
	total, incomplete := len(hits), g.incomplete > 0
	if incomplete {
		g.incomplete--
		hits = hits[:len(hits)/2]
	}
	hits = hits[:min(len(hits), maxSearchResults)]
	hits = hits[min((page-1)*per, len(hits)):min(page*per, len(hits))]
	items := make([]map[string]any, 0, len(hits))
	for _, h := range hits {
		items = append(items, h.item)
	}
	status, header, body := jsonAnswer(map[string]any{"total_count": total, "incomplete_results": incomplete, "items": items})
	header.Del("ETag") // no search can be asked on condition
	return status, header, body
}

func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
	}
	return h.Sum64()
}
