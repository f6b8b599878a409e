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
	Extent(ctx context.Context) (plugins int, changed time.Time, err error)
}

// Meili searches in Meilisearch.
type Meili struct {
	plugins meilisearch.IndexManager
	catalog Catalog

	mu      sync.Mutex
	checked time.Time
	state   error     // of the index, when it was looked at last
	behind  time.Time // since when it lacks a change; zero if it does not
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
	return &Meili{plugins: client.Index(searchdoc.IndexPlugins), catalog: c}
}

// Search finds plugins. A page that only the database can go on with is not
// this engine's.
func (m *Meili) Search(ctx context.Context, text string, f postgres.Filter, page postgres.SearchPage) (found postgres.Found, err error) {
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
	res, err := m.plugins.SearchWithContext(ctx, q.Plain(), &meilisearch.SearchRequest{
		Filter: filters(f), Offset: int64(skip), Limit: int64(page.Limit), Facets: []string{"category", "license", "has"},
		AttributesToRetrieve: []string{searchdoc.PrimaryKey},
	})
	if err != nil {
		return found, errs.New(errs.Unavailable, "search: %w", err)
	}
	if found.Plugins, err = m.read(ctx, res.Hits); err != nil {
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

func (m *Meili) read(ctx context.Context, hits meilisearch.Hits) ([]plugpack.Plugin, error) {
	ids := make([]string, len(hits))
	for i, h := range hits {
		var mark searchdoc.Mark
		if err := h.DecodeInto(&mark); err != nil {
			return nil, fmt.Errorf("read a hit: %w", err)
		}
		ids[i] = mark.ID
	}
	return m.catalog.InOrder(ctx, ids)
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

// Suggest gives names for what is being typed: the engine takes the last word
// as the beginning of one.
func (m *Meili) Suggest(ctx context.Context, text string, limit int) (names []string, err error) {
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	res, err := m.plugins.SearchWithContext(ctx, strings.Join(searchdoc.Words(text), " "), &meilisearch.SearchRequest{
		Limit: int64(3 * limit), AttributesToSearchOn: []string{"name", "display_name"}, AttributesToRetrieve: []string{"name"},
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

// ready says why the index cannot be searched, looking at it now and then.
func (m *Meili) ready(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.checked) < check {
		return m.state
	}
	m.state = m.look(ctx)
	m.checked = time.Now()
	return m.state
}

// look compares the index with the catalog: an index that lacks one plugin in
// fifty is being built, one that lacks a change for long has lost its writer.
func (m *Meili) look(ctx context.Context) error {
	plugins, changed, err := m.catalog.Extent(ctx)
	if err != nil {
		return err
	}
	stats, err := m.plugins.GetStatsWithContext(ctx, nil)
	if err != nil {
		return errs.New(errs.Unavailable, "look at the index: %w", err)
	}
	newest, err := m.newest(ctx)
	switch {
	case err != nil:
		return err
	case newest == 0 || stats.NumberOfDocuments*50 < int64(plugins)*49:
		return errs.New(errs.Unavailable, "the index is being built: it has %d of %d plugins", stats.NumberOfDocuments, plugins)
	case newest >= changed.Unix():
		m.behind = time.Time{}
	case m.behind.IsZero():
		m.behind = time.Now()
	case time.Since(m.behind) > patience:
		return errs.New(errs.Unavailable, "the index has lacked changes since %s", m.behind.UTC().Format(time.RFC3339))
	}
	return nil
}

// newest gives when a document of the current schema was changed last, or 0.
func (m *Meili) newest(ctx context.Context) (int64, error) {
	res, err := m.plugins.SearchWithContext(ctx, "", &meilisearch.SearchRequest{
		Filter: fmt.Sprint("schema = ", searchdoc.Schema), Sort: []string{"updated_at:desc"}, Limit: 1, AttributesToRetrieve: []string{"updated_at"},
	})
	if err != nil {
		return 0, errs.New(errs.Unavailable, "look at the index: %w", err)
	}
	var d struct {
		UpdatedAt int64 `json:"updated_at"`
	}
	if len(res.Hits) > 0 {
		err = res.Hits[0].DecodeInto(&d)
	}
	return d.UpdatedAt, err
}
