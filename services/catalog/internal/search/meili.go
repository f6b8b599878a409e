package search

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// Catalog is what the engine asks the catalog itself.
type Catalog interface {
	InOrder(ctx context.Context, ids []string) ([]plugpack.Plugin, error)
	PacksInOrder(ctx context.Context, ids []string) ([]plugpack.Pack, error)
	Extent(ctx context.Context) (plugins int, changed time.Time, err error)
	ExtentOfPacks(ctx context.Context) (packs int, changed time.Time, err error)
}

// Meili searches in Meilisearch, plugins and packs with one request.
type Meili struct {
	client         meilisearch.ServiceManager
	plugins, packs *index
	catalog        Catalog

	mu      sync.Mutex
	checked time.Time
	state   error // of the indexes, when they were looked at last
}

const (
	// check is how long a look at the index's state counts.
	check = 2 * time.Second
	// patience is how long the index may lack a change: it follows the catalog
	// by seconds.
	patience = 30 * time.Second
	// reach is how far pages go: the engine's bound, as its settings have it.
	reach = 10_000
)

// NewMeili makes an engine of the server at url.
func NewMeili(url, key string, c Catalog) *Meili {
	client := meilisearch.New(url, meilisearch.WithAPIKey(key), meilisearch.DisableRetries(),
		meilisearch.WithCustomClient(&http.Client{Timeout: 5 * time.Second}))
	return &Meili{
		client: client, catalog: c,
		plugins: &index{IndexManager: client.Index(searchdoc.IndexPlugins), name: searchdoc.IndexPlugins, extent: c.Extent},
		packs:   &index{IndexManager: client.Index(searchdoc.IndexPacks), name: searchdoc.IndexPacks, extent: c.ExtentOfPacks},
	}
}

// Search finds plugins and packs, each list with its own total and page; merged
// into one, neither would be known. A page that only the database can go on with
// is not this engine's.
func (m *Meili) Search(ctx context.Context, text string, f postgres.Filter, page postgres.SearchPage) (found postgres.Answer, err error) {
	skip := page.Skip
	if page.After != nil {
		if skip = page.After.Skip; page.After.ID != uuid.Nil {
			return found, errs.New(errs.Unavailable, "the page goes on in the database")
		}
	}
	q := searchdoc.Parse(text)
	if len(q.Terms) == 0 || strings.ContainsRune(text, 0) {
		return found, errs.New(errs.Unavailable, "there are no words to search for")
	}
	if err := m.ready(ctx); err != nil {
		return found, err
	}
	ids := []string{searchdoc.PrimaryKey}
	res, err := m.client.MultiSearchWithContext(ctx, &meilisearch.MultiSearchRequest{Queries: []*meilisearch.SearchRequest{
		{
			IndexUID: searchdoc.IndexPlugins, Query: q.Plain(), Filter: filters(f), Offset: int64(skip), Limit: int64(page.Limit),
			Facets: []string{"category", "license", "has"}, AttributesToRetrieve: ids,
		},
		{IndexUID: searchdoc.IndexPacks, Query: q.Plain(), Limit: int64(page.Limit), AttributesToRetrieve: ids},
	}})
	if err == nil && len(res.Results) != 2 {
		err = fmt.Errorf("%d answers to two questions", len(res.Results))
	}
	if err != nil {
		return found, errs.New(errs.Unavailable, "search: %w", err)
	}
	if found.Found, err = m.readPlugins(ctx, res.Results[0], skip); err != nil {
		return found, err
	}
	found.TotalPacks = int(res.Results[1].EstimatedTotalHits)
	if ids, err = idsOf(res.Results[1].Hits); err == nil {
		found.Packs, err = m.catalog.PacksInOrder(ctx, ids)
	}
	return found, err
}

func (m *Meili) readPlugins(ctx context.Context, res meilisearch.SearchResponse, skip int) (found postgres.Found, err error) {
	ids, err := idsOf(res.Hits)
	if err != nil {
		return found, err
	}
	if found.Plugins, err = m.catalog.InOrder(ctx, ids); err != nil {
		return found, err
	}
	if found.Facets, err = facets(res.FacetDistribution); err != nil {
		return found, err
	}
	total := int(res.EstimatedTotalHits)
	found.Total = min(total, postgres.MaxTotal)
	if next := skip + len(res.Hits); len(res.Hits) > 0 && next < min(total, reach) {
		found.Next = &postgres.Place{Skip: next}
	}
	return found, nil
}

func idsOf(hits meilisearch.Hits) ([]string, error) {
	ids := make([]string, len(hits))
	for i, h := range hits {
		var mark searchdoc.Mark
		if err := h.DecodeInto(&mark); err != nil {
			return nil, fmt.Errorf("read a hit: %w", err)
		}
		ids[i] = mark.ID
	}
	return ids, nil
}

// filters writes f in the engine's language. Values are quoted; it compares
// them without regard to letter case.
func filters(f postgres.Filter) (all []string) {
	quote := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
	for _, c := range []struct{ attribute, value string }{
		{"category", f.Category}, {"owner", f.Owner}, {"has", f.Has}, {"license", f.License}, {"maintenance", string(f.Maintenance)},
	} {
		if c.value != "" {
			all = append(all, c.attribute+" = "+quote(c.value))
		}
	}
	if f.Marketplace != "" {
		all = append(all, fmt.Sprintf("(marketplace = %[1]s OR marketplace_name = %[1]s)", quote(f.Marketplace)))
	}
	if f.MinScore > 0 {
		all = append(all, fmt.Sprint("quality >= ", f.MinScore))
	}
	for attribute, value := range map[string]*bool{"featured": f.Featured, "verified": f.Verified} {
		if value != nil {
			all = append(all, fmt.Sprint(attribute, " = ", *value))
		}
	}
	return all
}

func facets(distribution json.RawMessage) (postgres.Facets, error) {
	var counts map[string]map[string]int
	if len(distribution) > 0 {
		if err := json.Unmarshal(distribution, &counts); err != nil {
			return nil, fmt.Errorf("read facets: %w", err)
		}
	}
	all := postgres.Facets{}
	for field, values := range counts {
		for name, n := range values {
			if name != "" {
				all[field] = append(all[field], postgres.Tally{Name: name, Count: n})
			}
		}
		slices.SortFunc(all[field], postgres.MostFirst)
	}
	return all, nil
}

// Suggest gives names for what is being typed, of plugins and packs in one list,
// the best first: the engine takes the last word as the beginning of one.
func (m *Meili) Suggest(ctx context.Context, text string, limit int) (names []string, err error) {
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	words, name := strings.Join(searchdoc.Words(text), " "), []string{"name"}
	res, err := m.client.MultiSearchWithContext(ctx, &meilisearch.MultiSearchRequest{
		Federation: &meilisearch.MultiSearchFederation{Limit: int64(3 * limit)}, // several plugins may have one name
		Queries: []*meilisearch.SearchRequest{
			{IndexUID: searchdoc.IndexPlugins, Query: words, AttributesToSearchOn: []string{"name", "display_name"}, AttributesToRetrieve: name},
			{IndexUID: searchdoc.IndexPacks, Query: words, AttributesToSearchOn: name, AttributesToRetrieve: name},
		},
	})
	if err != nil {
		return nil, errs.New(errs.Unavailable, "suggest: %w", err)
	}
	for _, h := range res.Hits {
		var d struct {
			Name string `json:"name"`
		}
		if err := h.DecodeInto(&d); err != nil {
			return nil, fmt.Errorf("read a hit: %w", err)
		}
		if len(names) < limit && !slices.Contains(names, d.Name) {
			names = append(names, d.Name)
		}
	}
	return names, nil
}

// ready says why the indexes cannot be searched, looking at them now and then.
// Others wait for what is seen, so a client that leaves does not end the look.
func (m *Meili) ready(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.checked) < check {
		return m.state
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline)
	defer cancel()
	if m.state = m.plugins.look(ctx); m.state == nil {
		m.state = m.packs.look(ctx)
	}
	m.checked = time.Now()
	return m.state
}
