package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
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
	b, notRunning := connectRunning(ctx, cfg, p)
	if notRunning == nil {
		defer b.Close()
		return watchScans(ctx, b, newView(os.Stdout, keys), c.Force)
	}
	if cfg.NATSURL != "" {
		return notRunning
	}
	cfg.QueueOnly = true
	s, err := startStack(ctx, cfg, p.Log, nil, func(string) {})
	if errs.KindOf(err) == errs.Conflict {
		return fmt.Errorf("%w; that one cannot be reached: %w", err, notRunning)
	}
	if err != nil {
		return err
	}
	defer s.Close()
	// When the services end by an error, nobody is left to be waited for.
	g, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	g.Go(func() error { return s.Run(ctx) })
	g.Go(func() error {
		defer stop()
		return watchScans(ctx, s.bus, newView(os.Stdout, keys), c.Force)
	})
	return g.Wait()
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
func watchScans(ctx context.Context, b *bus.Bus, v *view, force bool) error {
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
	for _, k := range v.keys {
		if _, queued, err := scraper.Enqueue(ctx, b, k, force); err != nil {
			return err
		} else if !queued {
			v.say("%s: queued already, waiting for that scan", k)
		}
	}
	tick := time.NewTicker(v.checkEvery)
	defer tick.Stop()
	for heard := time.Now(); !v.done(); {
		select {
		case <-ctx.Done():
			return errs.New(errs.Unavailable, "stopped before %d of %d scans had ended; they stay queued", len(v.open), v.total)
		case p := <-progress:
			if v.show(p) {
				heard = time.Now()
			}
		case <-tick.C:
			v.check(func(k plugpack.MarketplaceKey) (bool, error) { return scraper.Queued(ctx, b, k) })
			if n := v.unexplained(); n > 0 && time.Since(heard) >= v.quietFor {
				v.say("still waiting for %d of %d scans: a scraper has to be running", n, v.total)
				heard = time.Now()
			}
		}
	}
	if err := waitForCatalog(ctx, b, v); err != nil {
		return err
	}
	return v.close()
}

// waitForCatalog returns when the catalog's consumer has nothing left.
func waitForCatalog(ctx context.Context, b *bus.Bus, v *view) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for since := time.Now(); ; {
		if drained, err := b.Drained(ctx, events.StreamPlugin, catalog.Durable); err == nil && drained {
			return nil
		}
		select {
		case <-ctx.Done():
			return errs.New(errs.Unavailable, "stopped before the catalog had taken everything; it goes on when it runs")
		case <-tick.C:
		}
		if time.Since(since) >= v.quietFor {
			v.say("the catalog has not taken everything yet: it has to be running")
			since = time.Now()
		}
	}
}

// view shows the scans' progress: on a terminal one line that is written anew,
// elsewhere one line for each scan that ended or waits.
type view struct {
	w        io.Writer
	terminal bool
	keys     []plugpack.MarketplaceKey
	open     map[plugpack.MarketplaceKey]openScan
	total    int
	failed   int
	// checkEvery is how often the queue is asked about scans that are open:
	// progress is told to whoever listens at the moment, and may be missed.
	checkEvery time.Duration
	quietFor   time.Duration // after which a person is given a word
}

// openScan is a scan that has not ended.
type openScan struct {
	waiting string // why, as it was said last
	left    bool   // it was in the queue no more at the last look
}

func newView(f *os.File, keys []plugpack.MarketplaceKey) *view {
	v := &view{
		w: f, terminal: term.IsTerminal(int(f.Fd())), keys: keys, open: map[plugpack.MarketplaceKey]openScan{},
		checkEvery: 5 * time.Second, quietFor: 30 * time.Second,
	}
	for _, k := range keys {
		v.open[k] = openScan{}
	}
	v.total = len(v.open)
	return v
}

func (v *view) done() bool { return len(v.open) == 0 }

// show says whether the progress is one of those waited for.
func (v *view) show(p events.ScanProgress) bool {
	scan, mine := v.open[p.Marketplace]
	if !mine {
		return false
	}
	switch {
	case p.Final():
		delete(v.open, p.Marketplace)
		v.say("%s", v.result(p))
	case p.Step == "waiting" && p.Reason != scan.waiting:
		v.open[p.Marketplace] = openScan{waiting: p.Reason}
		v.say("%s: waiting: %s", p.Marketplace, plugpack.Clean(p.Reason))
	}
	if v.terminal && !v.done() {
		line := fmt.Sprintf("%d of %d marketplaces, now %s: %s", v.total-len(v.open), v.total, p.Marketplace, p.Step)
		fmt.Fprint(v.w, clearLine+plugpack.Cut(line, lineWidth))
	}
	return true
}

// unexplained counts the open scans that have given no reason to wait.
func (v *view) unexplained() (n int) {
	for _, scan := range v.open {
		if scan.waiting == "" {
			n++
		}
	}
	return n
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

// check ends the scans that have left the queue without a word that was heard.
// It waits for its next call with that, as the word may be on its way.
func (v *view) check(queued func(plugpack.MarketplaceKey) (bool, error)) {
	for k, scan := range v.open {
		waits, err := queued(k)
		left := err == nil && !waits
		if left && scan.left {
			delete(v.open, k)
			v.failed++
			v.say("%s: ended, but how was not heard: scan it again to see", k)
			continue
		}
		scan.left = left
		v.open[k] = scan
	}
}

const (
	lineWidth = 79
	clearLine = "\r\x1b[K"
)

// say writes a line that stays.
func (v *view) say(format string, args ...any) {
	if v.terminal {
		fmt.Fprint(v.w, clearLine)
	}
	fmt.Fprintf(v.w, format+"\n", args...)
}

func (v *view) close() error {
	if v.failed > 0 {
		return errs.New(errs.Unavailable, "%d of %d scans failed, for the reasons above", v.failed, v.total)
	}
	return nil
}
