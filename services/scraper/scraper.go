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
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
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
	Sources      string        `env:"PLUGPACK_SOURCES" doc:"File of marketplaces to scan, one a line, # begins a comment; without one a few well-known ones." want:"a file that can be read"`
	ScanInterval time.Duration `env:"SCAN_INTERVAL" envDefault:"6h" doc:"Time from one scan of a marketplace to the next." want:"a duration from 1m to 720h, such as 6h"`
	ScanWorkers  int           `env:"SCAN_WORKERS" envDefault:"4" doc:"Marketplaces that one scraper scans at once." want:"a whole number from 1 to 64"`

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
}

// Scraper is the service.
type Scraper struct {
	Options
	Deps
	github  *github.Client
	sources []plugpack.MarketplaceKey
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
	client, err := github.New(github.Options{BaseURL: string(o.GitHubAPIURL), Token: string(o.GitHubToken), Now: d.Now})
	if err != nil {
		return nil, err
	}
	sources, err := readSources(o.Sources)
	if err != nil {
		return nil, err
	}
	s := &Scraper{Options: o, Deps: d, github: client, sources: sources}
	if o.SampleDir != "" {
		dir, err := filepath.Abs(o.SampleDir)
		if err != nil {
			return nil, fmt.Errorf("sample marketplace: %w", err)
		}
		s.sample = plugpack.NewMarketplaceKey(plugpack.LocalHost, filepath.ToSlash(dir))
	}
	return s, nil
}

// durable names the consumer that all scrapers share.
const durable = "scraper"

// Run scans what is queued and queues what is due, until ctx ends; scans under
// way are finished first.
func (s *Scraper) Run(ctx context.Context) error {
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
	scanner := scan.New(scan.Config{
		GitHub: scan.GitHub{Client: s.github, Temp: temp, Log: s.Log}, Folders: scan.Folders{Allowed: s.mayRead},
		Bus: s.Bus, Store: store, Log: s.Log, Now: s.Now, Interval: s.ScanInterval,
	})
	g, ctx := errgroup.WithContext(ctx)
	if !s.QueueOnly {
		g.Go(func() error { return s.schedule(store).Run(ctx) })
	}
	g.Go(func() error {
		return s.Bus.Consume(ctx, bus.Subscription{
			Stream: events.StreamScan, Durable: durable, Filter: events.ScanRequests,
			Workers: s.ScanWorkers,
		}, hurried(ctx, scanner.Handle))
	})
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
		Sources: s.sources, Sample: s.sample, Store: store, Reachable: s.github.Reachable, Log: s.Log, Now: s.Now,
		Enqueue: func(ctx context.Context, k plugpack.MarketplaceKey, after string) (bool, error) {
			_, queued, err := enqueue(ctx, s.Bus, events.ScanRequested{Marketplace: k, After: after})
			return queued, err
		},
	})
}

// Enqueue queues a scan of k. queued is false when one waits or is under way
// already. force reads and publishes everything again even if nothing changed.
func Enqueue(ctx context.Context, b *bus.Bus, k plugpack.MarketplaceKey, force bool) (scanID string, queued bool, err error) {
	return enqueue(ctx, b, events.ScanRequested{Marketplace: k, Force: force})
}

func enqueue(ctx context.Context, b *bus.Bus, r events.ScanRequested) (scanID string, queued bool, err error) {
	if err := r.Marketplace.Validate(); err != nil {
		return "", false, err
	}
	r.Scan, r.RequestedAt = uuid.Must(uuid.NewV7()).String(), time.Now().UTC()
	m, err := events.NewScanRequested(r)
	if err != nil {
		return "", false, err
	}
	err = b.Publish(ctx, m)
	if errs.KindOf(err) == errs.Conflict {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return r.Scan, true, nil
}

// Queued says whether a scan of k waits or is under way.
func Queued(ctx context.Context, b *bus.Bus, k plugpack.MarketplaceKey) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := b.JetStream().Stream(ctx, events.StreamScan)
	if err == nil {
		_, err = s.GetLastMsgForSubject(ctx, events.SubjectScanRequested(k))
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, errs.New(errs.Unavailable, "look for %s in the queue: %w", k, err)
	}
	return true, nil
}
