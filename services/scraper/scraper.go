// Package scraper is the service that reads marketplaces from GitHub and says
// on NATS what it saw: a listing a marketplace, an observation a plugin.
//
// It keeps no database; what it has to remember is in a JetStream bucket. Any
// number may run: a scan is a message on a work queue, taken by whichever
// scraper is free, and each of them runs the schedule that queues what is due.
package scraper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/fetch"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
	"github.com/plugpack/plugpack/services/scraper/internal/origin"
	"github.com/plugpack/plugpack/services/scraper/internal/scan"
	"github.com/plugpack/plugpack/services/scraper/internal/schedule"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

// Config is what the scraper's own process reads from the environment.
type Config struct {
	service.Config
	NATSURL config.URL `env:"NATS_URL,required,notEmpty" doc:"NATS server with JetStream." want:"an address such as nats://localhost:4222"`
	Options
}

// Validate checks what types cannot.
func (c Config) Validate() error {
	return errors.Join(c.Config.Validate(), c.Options.Validate(), c.CheckHTTPS(c.Production()))
}

// CheckHTTPS refuses a GitHub that is not asked over https in production, where
// a token would travel in clear.
func (o Options) CheckHTTPS(production bool) error {
	if production && !strings.HasPrefix(string(o.GitHubAPIURL), "https://") {
		return errs.New(errs.Invalid, "GITHUB_API_URL: want an https address in production")
	}
	return nil
}

// Options is what every form of the scraper reads from the environment.
type Options struct {
	GitHubToken  config.Secret `env:"GITHUB_TOKEN" doc:"Token for GitHub; without one its unauthenticated limit of 60 requests an hour holds." want:"a personal access token"`
	GitHubAPIURL config.URL    `env:"GITHUB_API_URL" envDefault:"https://api.github.com/" doc:"GitHub's API; that of a GitHub Enterprise server ends in /api/v3/." want:"an http or https address such as https://api.github.com/"`
	Sources      string        `env:"PLUGPACK_SOURCES" doc:"File of marketplaces to scan, one a line, # begins a comment, token=NAME after one names the variable with its own token, server ADDRESS a GitHub Enterprise API; without a file a few well-known ones." want:"a file that can be read"`
	ScanInterval time.Duration `env:"SCAN_INTERVAL" envDefault:"6h" doc:"Time from one scan of a marketplace to the next; up to eight times as long for those that rarely change." want:"a duration from 1m to 720h, such as 6h"`
	ScanWorkers  int           `env:"SCAN_WORKERS" envDefault:"4" doc:"Marketplaces that one scraper scans at once; as many again that somebody waits for, and half as many that rarely change." want:"a whole number from 1 to 64"`

	OptOutFile        string            `env:"PLUGPACK_OPT_OUT" doc:"File of those who are not to be scanned, one a line: owner, owner/repo or host/owner/repo, # begins a comment." want:"a file that can be read"`
	DiscoveryInterval DiscoveryInterval `env:"DISCOVERY_INTERVAL" envDefault:"24h" doc:"Time from one search for unknown marketplaces to the next; it needs GITHUB_TOKEN." want:"a duration from 1h to 720h, or off"`

	// SampleDir is a folder with a marketplace that is scanned instead while
	// GitHub cannot be reached; "" for none.
	SampleDir string
	// AnyFolder lets a request name any folder of this machine. Without it only
	// those of the sources are read: whoever reaches NATS can send a request.
	AnyFolder bool
	// QueueOnly scans what is queued and queues nothing by itself.
	QueueOnly bool
}

// Validate checks what types cannot.
func (o Options) Validate() error {
	switch {
	case o.ScanInterval < time.Minute || o.ScanInterval > 720*time.Hour:
		return errs.New(errs.Invalid, "SCAN_INTERVAL: want a duration from 1m to 720h, such as 6h")
	case o.ScanWorkers < 1 || o.ScanWorkers > 64:
		return errs.New(errs.Invalid, "SCAN_WORKERS: want a whole number from 1 to 64")
	}
	_, err := github.New(github.Options{BaseURL: string(o.GitHubAPIURL)})
	return err
}

// Deps are what a scraper works with.
type Deps struct {
	Bus *bus.Bus
	Log *slog.Logger
	Now func() time.Time // nil for time.Now
	// Metrics is where the scraper's metrics are registered; nil for nowhere.
	Metrics prometheus.Registerer
}

// Scraper is the service.
type Scraper struct {
	Options
	Deps
	clients *github.Clients
	sources []plugpack.MarketplaceKey
	optOuts *state.OptOuts
	scans   *prometheus.CounterVec
	sample  plugpack.MarketplaceKey // "" for none
}

// New checks the options and reads the sources file. It asks nobody anything.
func New(o Options, d Deps) (*Scraper, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	sources, err := readSources(o.Sources, os.Getenv)
	if err != nil {
		return nil, err
	}
	optOuts, err := state.ReadOptOuts(o.OptOutFile)
	if err != nil {
		return nil, err
	}
	usual := github.Options{BaseURL: string(o.GitHubAPIURL), Token: string(o.GitHubToken), Now: d.Now, Metrics: github.NewMetrics(d.Metrics)}
	clients, err := github.NewClients(usual, sources.servers, sources.credentials)
	if err != nil {
		return nil, err
	}
	s := &Scraper{Options: o, Deps: d, clients: clients, sources: sources.keys, optOuts: optOuts}
	s.scans = promauto.With(d.Metrics).NewCounterVec(prometheus.CounterOpts{
		Name: "plugpack_scans_total", Help: "Scans by how they ended: done, unchanged, failed; waiting counts tries put off.",
	}, []string{"outcome"})
	if o.SampleDir != "" {
		dir, err := filepath.Abs(o.SampleDir)
		if err != nil {
			return nil, fmt.Errorf("sample marketplace: %w", err)
		}
		s.sample = plugpack.NewMarketplaceKey(plugpack.LocalHost, filepath.ToSlash(dir))
	}
	return s, nil
}

// Run scans what is queued and queues what is due, until ctx ends; scans under
// way are finished first.
func (s *Scraper) Run(ctx context.Context) error {
	err := s.run(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // it was told to stop, maybe while it was starting
	}
	return err
}

func (s *Scraper) run(ctx context.Context) error {
	temp, err := archive.OpenTemp("")
	if err != nil {
		return err
	}
	defer func() {
		if err := temp.Close(); err != nil {
			s.Log.Warn("cannot remove the temporary folder", "err", err)
		}
	}()
	store, err := state.Open(ctx, s.Bus.JetStream())
	if err != nil {
		return err
	}
	trials, err := state.OpenTrials(ctx, s.Bus.JetStream())
	if err != nil {
		return err
	}
	deaf, err := s.learnOptOuts(ctx, store)
	if err != nil {
		return err
	}
	defer deaf()
	kept, err := origin.OpenStore(ctx, s.Bus.JetStream())
	if err != nil {
		return err
	}
	origins := origin.New(origin.Config{
		Fetch: fetch.New(s.clients, temp, s.Log, s.Now), Store: kept, Alone: s.Bus.Alone, Temp: temp, Log: s.Log, Now: s.Now, Fresh: s.ScanInterval / 2,
		Excluded: s.optOuts.Excluded,
	})
	scanner := scan.New(scan.Config{
		Origins: origins,
		GitHub:  hosts{s.clients, temp, s.Log}, Folders: scan.Folders{Allowed: s.mayRead},
		Bus: counted{s.Bus, s.scans}, Store: store, Log: s.Log, Now: s.Now, Interval: s.ScanInterval,
		Excluded: s.optOuts.ExcludedRepository,
	})
	w := &worker{Scraper: s, scan: scanner.Handle, store: store, trials: trials}
	g, ctx := errgroup.WithContext(ctx)
	if !s.QueueOnly {
		g.Go(func() error { return s.schedule(store).Run(ctx) })
		g.Go(func() error { return s.discover(ctx, store) })
	}
	for _, p := range events.Priorities {
		g.Go(func() error {
			return s.Bus.Consume(ctx, bus.Subscription{
				Stream: events.StreamScan, Durable: durable(p), Filter: events.ScanRequestsOf(p), Workers: s.workers(p),
			}, hurried(ctx, w.handle))
		})
	}
	return g.Wait()
}

// grace is how long a scan may go on after the process was told to stop.
const grace = 15 * time.Second

// hurried ends a scan that is under way some time after ctx has ended; its
// message then goes to another scraper, or to this one when it is back.
func hurried(ctx context.Context, handle bus.Handler) bus.Handler {
	return func(scanCtx context.Context, m bus.Msg) error {
		scanCtx, cancel := context.WithCancel(scanCtx)
		defer cancel()
		stop := context.AfterFunc(ctx, func() {
			t := time.AfterFunc(grace, cancel)
			context.AfterFunc(scanCtx, func() { t.Stop() })
		})
		defer stop()
		return handle(scanCtx, m)
	}
}

func (s *Scraper) mayRead(folder plugpack.MarketplaceKey) bool {
	return s.AnyFolder || folder == s.sample || slices.Contains(s.sources, folder)
}

func (s *Scraper) schedule(store *state.Store) *schedule.Schedule {
	return schedule.New(schedule.Config{
		Sources: s.sources, Sample: s.sample, Store: store, Excluded: s.optOuts.Excluded, Interval: s.ScanInterval, Log: s.Log, Now: s.Now,
		Host: func(k plugpack.MarketplaceKey) schedule.Host { return s.clients.For(k) },
		Enqueue: func(ctx context.Context, r schedule.Request) (bool, error) {
			_, queued, err := enqueue(ctx, s.Bus, events.ScanRequested{Marketplace: r.Marketplace, After: r.After, Priority: r.Priority})
			return queued, err
		},
	})
}
