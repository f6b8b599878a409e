package search

import (
	"context"
	"fmt"
	"time"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/searchdoc"
)

// index is an index of the engine, and what the catalog has to compare it with.
type index struct {
	meilisearch.IndexManager
	name   string
	extent func(ctx context.Context) (n int, changed time.Time, err error)
	behind time.Time // since when it lacks a change; zero if it does not
}

// look compares the index with the catalog: an index that lacks one document in
// fifty is being built, one that lacks a change for long has lost its writer.
func (x *index) look(ctx context.Context) error {
	n, changed, err := x.extent(ctx)
	if err != nil {
		return err
	}
	stats, err := x.GetStatsWithContext(ctx, nil)
	if err != nil {
		return errs.New(errs.Unavailable, "look at the index of %s: %w", x.name, err)
	}
	newest, err := x.newest(ctx)
	switch {
	case err != nil:
		return err
	case newest == 0 && n > 0 || stats.NumberOfDocuments*50 < int64(n)*49:
		return errs.New(errs.Unavailable, "the index of %s is being built: it has %d of %d", x.name, stats.NumberOfDocuments, n)
	case n == 0 || newest >= changed.Unix():
		x.behind = time.Time{}
	case x.behind.IsZero():
		x.behind = time.Now()
	case time.Since(x.behind) > patience:
		return errs.New(errs.Unavailable, "the index of %s has lacked changes since %s", x.name, x.behind.UTC().Format(time.RFC3339))
	}
	return nil
}

// newest gives when a document of the current schema was changed last, or 0.
func (x *index) newest(ctx context.Context) (int64, error) {
	res, err := x.SearchWithContext(ctx, "", &meilisearch.SearchRequest{
		Filter: fmt.Sprint("schema = ", searchdoc.Schema), Sort: []string{"updated_at:desc"}, Limit: 1, AttributesToRetrieve: []string{"updated_at"},
	})
	if err != nil {
		return 0, errs.New(errs.Unavailable, "look at the index of %s: %w", x.name, err)
	}
	var d struct {
		UpdatedAt int64 `json:"updated_at"`
	}
	if len(res.Hits) > 0 {
		err = res.Hits[0].DecodeInto(&d)
	}
	return d.UpdatedAt, err
}
