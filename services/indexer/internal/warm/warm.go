// Package warm writes the cached pages of plugins. The store's own comparison
// of revisions makes it safe to write any state at any time, twice or late.
package warm

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// writers is how many plugins' pages are written side by side; it hides the
// round trips to a cache on the network.
const writers = 16

// Write writes every page that the plugins' states call for, and gives one
// error a plugin.
func Write(ctx context.Context, pages cache.Pages, plugins []plugpack.Plugin) []error {
	failed := make([]error, len(plugins))
	var g errgroup.Group
	g.SetLimit(writers)
	for i, p := range plugins {
		g.Go(func() error {
			failed[i] = write(ctx, pages, p)
			return nil
		})
	}
	_ = g.Wait()
	return failed
}

func write(ctx context.Context, pages cache.Pages, p plugpack.Plugin) error {
	rendered, err := cache.Render(p)
	if err != nil {
		return fmt.Errorf("render pages of %s: %w", p.Key(), err)
	}
	for key, page := range rendered {
		if err := pages.Put(ctx, key, page); err != nil {
			return fmt.Errorf("write pages of %s: %w", p.Key(), err)
		}
	}
	return nil
}
