// Package indexer keeps the search engine and the cached pages in step with
// the catalog. It is the only writer of both.
//
// Every message of catalog.changed is a plugin's full state with its revision,
// so the indexer is a function of its input: a repeated or late message changes
// nothing. Of a batch, each plugin's highest revision is written to search,
// then to the pages, and only then are the messages acknowledged. One indexer
// is active at a time and others wait as spares; the comparison of revisions in
// each store covers the moment in which two overlap.
package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/indexer/internal/batch"
	"github.com/plugpack/plugpack/services/indexer/internal/meili"
	"github.com/plugpack/plugpack/services/indexer/internal/warm"
)

// Durable names the indexer's consumer, and Lease the right to be the active
// one.
const (
	Durable = "indexer"
	Lease   = "indexer"
)

// Config is what the indexer reads from the environment.
type Config struct {
	service.Config

	NATSURL           config.URL    `env:"NATS_URL,required" doc:"NATS server with JetStream." want:"an address such as nats://host:4222"`
	RedisURL          config.URL    `env:"REDIS_URL,required" doc:"Redis server for cached pages and rate limits." want:"an address such as redis://host:6379"`
	MeilisearchURL    config.URL    `env:"MEILISEARCH_URL" doc:"Meilisearch server; without it search runs on Postgres." want:"an address such as http://host:7700"`
	MeilisearchAPIKey config.Secret `env:"MEILISEARCH_API_KEY" doc:"Key for Meilisearch; required if its address is set." want:"a key that may write the index \"plugins\""`
}

// Validate checks what types cannot.
func (c Config) Validate() error {
	if c.MeilisearchURL != "" && c.MeilisearchAPIKey == "" {
		return errs.New(errs.Invalid, "MEILISEARCH_API_KEY is not set: MEILISEARCH_URL needs it")
	}
	return c.Config.Validate()
}

// Search is the search engine as the indexer needs it.
type Search interface {
	// Ensure creates the index with its settings. When the index was missing,
	// it first calls missing, which makes all plugins come again.
	Ensure(ctx context.Context, missing func(context.Context) error) error
	// Revisions gives the revisions of those plugins that have a document.
	Revisions(ctx context.Context, ids []string) (map[string]int64, error)
	// Write applies all and returns when it can be searched. An Invalid error
	// says that a document is at fault, Unavailable that the engine is.
	Write(ctx context.Context, docs []searchdoc.Document, deletes []string) error
	// Ping says whether the engine answers.
	Ping(ctx context.Context) error
}

// NewSearch gives the Meilisearch of the configuration, nil if there is none.
func NewSearch(c Config) Search {
	if c.MeilisearchURL == "" {
		return nil
	}
	return meili.New(string(c.MeilisearchURL), string(c.MeilisearchAPIKey))
}

// Deps are what the indexer works with.
type Deps struct {
	Bus    *bus.Bus
	Pages  cache.Pages
	Search Search // nil: no search engine
	Log    *slog.Logger
}

// Indexer applies catalog changes to search and cache.
type Indexer struct {
	Deps
	ensured bool // the index is there, as far as is known
}

// New makes an indexer.
func New(d Deps) *Indexer { return &Indexer{Deps: d} }

// Run works while this process is the active indexer, until ctx ends.
func (x *Indexer) Run(ctx context.Context) error {
	return x.Bus.Lead(ctx, Lease, func(ctx context.Context) error {
		// A search engine that is away must not keep pages from being
		// written, so this is tried again with each batch.
		if err := x.ensure(ctx); err != nil {
			x.Log.Warn("search is not ready, trying again with the next change", "err", err)
		}
		return x.Bus.ConsumeBatch(ctx, bus.Subscription{
			Stream: events.StreamCatalog, Durable: Durable, Filter: events.CatalogPlugins,
		}, x.handle)
	})
}

// handle applies one batch and gives one error a message.
func (x *Indexer) handle(ctx context.Context, ms []bus.Msg) []error {
	failed := make([]error, len(ms))
	var (
		plugins []plugpack.Plugin
		message []int // of each plugin
	)
	for i, m := range ms {
		p, err := decode(m.Data)
		if err != nil {
			failed[i] = err
			continue
		}
		plugins, message = append(plugins, p), append(message, i)
	}
	newest, place := batch.Fold(plugins)
	if len(newest) == 0 {
		return failed
	}
	// Pages are written even when search fails: they must not stay old for as
	// long as the search engine is away. The messages come again all the same.
	searchErrs := x.search(ctx, newest)
	pageErrs := warm.Write(ctx, x.Pages, newest)
	for i := range newest {
		failed[message[place[i]]] = worse(searchErrs[i], pageErrs[i])
	}
	return failed
}

func decode(data []byte) (plugpack.Plugin, error) {
	p, err := events.Decode[plugpack.Plugin](data, events.TypePluginChanged)
	if err != nil {
		return p, err
	}
	if uuid.Validate(p.ID) != nil || p.Slug == "" || p.Revision < 1 {
		return p, errs.New(errs.Invalid, "plugin %.100q: an id, a slug and a revision are needed", p.ID)
	}
	return p, nil
}

// worse gives the error that decides what becomes of the message: one that
// goes away by waiting comes before one that buries it, or the message would
// be lost to the store that was only away.
func worse(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil || errs.KindOf(a) == errs.Unavailable:
		return a
	case errs.KindOf(b) == errs.Unavailable:
		return b
	}
	return errors.Join(a, b)
}

// search writes the plugins' documents and gives one error a plugin.
func (x *Indexer) search(ctx context.Context, plugins []plugpack.Plugin) []error {
	failed := make([]error, len(plugins))
	if x.Search == nil {
		return failed
	}
	fresh, err := x.fresh(ctx, plugins)
	if err != nil {
		x.ensured = false // ask again whether the index is there
		for i := range failed {
			failed[i] = err
		}
		return failed
	}
	x.write(ctx, plugins, fresh, failed)
	return failed
}

// fresh gives the places of those plugins of which search has nothing newer.
func (x *Indexer) fresh(ctx context.Context, plugins []plugpack.Plugin) ([]int, error) {
	if err := x.ensure(ctx); err != nil {
		return nil, err
	}
	ids := make([]string, len(plugins))
	for i, p := range plugins {
		ids[i] = p.ID
	}
	known, err := x.Search.Revisions(ctx, ids)
	if err != nil {
		return nil, err
	}
	var fresh []int
	for i, p := range plugins {
		revision, there := known[p.ID]
		if !there && !p.Removed {
			revision = x.removedAt(ctx, p.ID)
		}
		if revision <= p.Revision {
			fresh = append(fresh, i)
		}
	}
	return fresh, nil
}

// removedAt gives the revision at which a plugin was removed, 0 if it was not:
// search forgets what was deleted, the page remembers. It is the second line
// behind the lease, so a cache that is away does not stop the work.
func (x *Indexer) removedAt(ctx context.Context, id string) int64 {
	page, found, err := x.Pages.Get(ctx, cache.IDKey(id))
	if err != nil || !found || page.Status == 200 {
		return 0
	}
	return page.Revision
}

// write writes the documents of the plugins at places. When one of them is at
// fault, halves are tried until it stands alone, so that it takes no neighbour
// along.
func (x *Indexer) write(ctx context.Context, plugins []plugpack.Plugin, places []int, failed []error) {
	var (
		docs    []searchdoc.Document
		deletes []string
	)
	for _, i := range places {
		if p := plugins[i]; p.Removed {
			deletes = append(deletes, p.ID)
		} else {
			docs = append(docs, searchdoc.New(p))
		}
	}
	if len(places) == 0 {
		return
	}
	err := x.Search.Write(ctx, docs, deletes)
	switch {
	case err == nil:
	case len(places) > 1 && errs.KindOf(err) != errs.Unavailable:
		half := len(places) / 2
		x.write(ctx, plugins, places[:half], failed)
		x.write(ctx, plugins, places[half:], failed)
	default:
		x.ensured = false
		for _, i := range places {
			failed[i] = fmt.Errorf("index %s: %w", plugins[i].Key(), err)
		}
	}
}

func (x *Indexer) ensure(ctx context.Context) error {
	if x.Search == nil || x.ensured {
		return nil
	}
	if err := x.Search.Ensure(ctx, x.replay); err != nil {
		return err
	}
	x.ensured = true
	return nil
}

// replay makes the stream, which holds every plugin's latest state, come again
// from its beginning. The consumer is opened anew when it is next asked for
// messages.
func (x *Indexer) replay(ctx context.Context) error {
	err := x.Bus.JetStream().DeleteConsumer(ctx, events.StreamCatalog, Durable)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return errs.New(errs.Unavailable, "reset consumer %s: %w", Durable, err)
	}
	x.Log.Info("the search index is missing, filling it from the stream")
	return nil
}
