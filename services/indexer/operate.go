package indexer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
)

// OperationsConfig is what the commands read that ask the active indexer.
type OperationsConfig struct {
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"warn" doc:"Least level that is logged." want:"debug, info, warn or error"`
	NATSURL  config.URL `env:"NATS_URL,required" doc:"NATS server with JetStream." want:"an address such as nats://host:4222"`
}

// Check lets the active indexer compare its stores with the catalog and mend
// them, and prints what it found.
func Check(ctx context.Context, b *bus.Bus, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	found, err := bus.Ask[events.Check](ctx, b, events.AskCheck, events.CheckOf{Repair: true})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "STORE\tKIND\tCATALOG\tHELD\tMISSING\tOLDER\tNEWER\tEXTRA\tREPAIRED")
	for _, s := range found.Stores {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", s.Store, s.Kind, s.Catalog, s.Held, s.Missing, s.Older, s.Newer, s.Extra, s.Repaired)
	}
	return w.Flush()
}

// Rebuild lets the active indexer build the search indexes anew, and returns
// when it has.
func Rebuild(ctx context.Context, b *bus.Bus, out io.Writer) error {
	ask, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	begun, err := bus.Ask[events.Rebuild](ask, b, events.AskRebuild, events.RebuildOf{Reason: "an operator asked for it"})
	if err != nil {
		return err
	}
	if begun.Already {
		fmt.Fprintln(out, "a rebuild is under way already")
	}
	for ctx.Err() == nil {
		s, err := searchStatus(ctx, b)
		switch {
		case err != nil:
			fmt.Fprintln(out, "waiting:", err)
		case s.Rebuilding == "" && s.RebuiltAt.After(begun.Started):
			fmt.Fprintf(out, "the search index is rebuilt, %.1f s after it was asked for\n", s.RebuiltAt.Sub(begun.Started).Seconds())
			return nil
		}
		bus.Pause(ctx, time.Second)
	}
	return ctx.Err()
}

func searchStatus(ctx context.Context, b *bus.Bus) (events.StoreStatus, error) {
	all, err := events.ReadIndexerStatus(ctx, b.JetStream())
	if err != nil {
		return events.StoreStatus{}, err
	}
	if all.At.IsZero() {
		return events.StoreStatus{}, errs.New(errs.Unavailable, "no indexer has told its status yet")
	}
	for _, s := range all.Stores {
		if s.Store == events.StoreSearch {
			return s, nil
		}
	}
	return events.StoreStatus{}, errs.New(errs.Invalid, "the indexer has no search engine")
}
