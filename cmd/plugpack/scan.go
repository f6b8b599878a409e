package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/local/nats"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/catalog"
	"github.com/plugpack/plugpack/services/scraper"
)

type scanCommand struct {
	Sources []string `arg:"" name:"source" help:"owner/repo, an https address or a folder."`
	Force   bool     `help:"Read everything again, even what did not change."`
}

// Run queues a scan of each source and shows its progress to the end. A
// plugpack that runs on the same data does the work; where none runs, this
// process does it itself.
func (c scanCommand) Run(ctx context.Context) error {
	keys, err := parseSources(c.Sources)
	if err != nil {
		return err
	}
	cfg, err := loadConfig()
	if err != nil {
		return err
	}
	p := service.New("", os.Stderr)
	p.SetLevel(cfg.LogLevel)
	if b, err := connectRunning(ctx, cfg, p); err == nil {
		defer b.Close()
		return watchScans(ctx, b, keys, c.Force)
	} else if cfg.NATSURL != "" {
		return err
	}
	cfg.QueueOnly = true
	s, err := startStack(ctx, cfg, p.Log, func(string) {})
	if err != nil {
		return err
	}
	defer s.Close()
	runCtx, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	g.Go(func() error { return s.Run(runCtx) })
	err = watchScans(ctx, s.bus, keys, c.Force)
	stop()
	if runErr := g.Wait(); err == nil {
		err = runErr
	}
	return err
}

func parseSources(sources []string) ([]plugpack.MarketplaceKey, error) {
	var keys []plugpack.MarketplaceKey
	for _, s := range sources {
		k, err := plugpack.ParseMarketplace(s, "github.com")
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// connectRunning connects to the bus of a running plugpack.
func connectRunning(ctx context.Context, cfg Config, p *service.Process) (*bus.Bus, error) {
	if cfg.NATSURL != "" {
		return bus.Connect(ctx, string(cfg.NATSURL), "plugpack scan", p.Log)
	}
	socket := socketPath(cfg.Data)
	if socket == "" {
		return nil, errs.New(errs.Unavailable, "PLUGPACK_DATA: want a shorter path, so that a running plugpack can be reached")
	}
	nc, err := nats.Dial(socket, bus.Options("plugpack scan", p.Log)...)
	if err != nil {
		return nil, err
	}
	b, err := bus.New(ctx, nc, p.Log)
	if err != nil {
		nc.Close()
	}
	return b, err
}

// watchScans queues the scans and returns when each has ended and the catalog
// has taken what they published. The error says how many failed.
func watchScans(ctx context.Context, b *bus.Bus, keys []plugpack.MarketplaceKey, force bool) error {
	v := newView(os.Stdout, keys)
	progress := make(chan events.ScanProgress, 1024)
	stop, err := b.Listen("progress.scan.*", func(data []byte) {
		var p events.ScanProgress
		if json.Unmarshal(data, &p) == nil {
			progress <- p
		}
	})
	if err != nil {
		return err
	}
	defer stop()
	for _, k := range keys {
		if _, queued, err := scraper.Enqueue(ctx, b, k, force); err != nil {
			return err
		} else if !queued {
			v.show(events.ScanProgress{Marketplace: k, Step: "queued already"})
		}
	}
	for !v.done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-progress:
			v.show(p)
		}
	}
	if err := waitForCatalog(ctx, b); err != nil {
		return err
	}
	return v.close()
}

// waitForCatalog returns when the catalog's consumer has nothing left.
func waitForCatalog(ctx context.Context, b *bus.Bus) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if drained, err := b.Drained(ctx, events.StreamPlugin, catalog.Durable); err == nil && drained {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// view shows the scans' progress: on a terminal one line that is written anew,
// elsewhere one line for each scan that ended.
type view struct {
	w        io.Writer
	terminal bool
	open     map[plugpack.MarketplaceKey]string
	total    int
	failed   int
}

func newView(f *os.File, keys []plugpack.MarketplaceKey) *view {
	v := &view{w: f, terminal: term.IsTerminal(int(f.Fd())), open: map[plugpack.MarketplaceKey]string{}}
	for _, k := range keys {
		v.open[k] = "queued"
	}
	v.total = len(v.open)
	return v
}

func (v *view) done() bool { return len(v.open) == 0 }

func (v *view) show(p events.ScanProgress) {
	if _, mine := v.open[p.Marketplace]; !mine {
		return
	}
	v.open[p.Marketplace] = p.Step
	if p.Final() {
		delete(v.open, p.Marketplace)
		v.clearLine()
		fmt.Fprintln(v.w, v.result(p))
	}
	if v.terminal && !v.done() {
		v.clearLine()
		fmt.Fprintf(v.w, "%d of %d marketplaces, now %s: %s", v.total-len(v.open), v.total, p.Marketplace, p.Step)
	}
}

func (v *view) result(p events.ScanProgress) string {
	switch p.Step {
	case "failed":
		v.failed++
		return fmt.Sprintf("%s: failed: %s", p.Marketplace, plugpack.Clean(p.Reason))
	case "unchanged":
		return fmt.Sprintf("%s: unchanged, %d entries", p.Marketplace, p.Entries)
	}
	return fmt.Sprintf("%s: %d entries, %d new or changed", p.Marketplace, p.Entries, p.Changed)
}

func (v *view) clearLine() {
	if v.terminal {
		fmt.Fprint(v.w, "\r"+strings.Repeat(" ", 79)+"\r")
	}
}

func (v *view) close() error {
	if v.failed > 0 {
		return errs.New(errs.Unavailable, "%d of %d scans failed, for the reasons above", v.failed, v.total)
	}
	return nil
}
