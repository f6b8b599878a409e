// Command catalog serves the plugin catalog and applies scraper events to it.
//
//	catalog [serve]              migrate, then serve
//	catalog migrate              bring the schema to the newest version
//	catalog republish            announce every plugin again
//	catalog confirm-scan KEY     apply the removals that a marketplace's guard held back
//	catalog set-roles LOGIN [admin|curator…]
//	                             give a user who has signed in exactly these roles
//	catalog seed-packs FILE      make the packs of a JSON list that are not there yet
//	catalog export FILE          write what people brought, as JSON lines
//	catalog import FILE          take that in
//	catalog loadtest-data N      put N made-up plugins into an empty catalog
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/migrations"
	"github.com/plugpack/plugpack/services/catalog"
)

func main() { service.Main("catalog", run) }

func run(ctx context.Context, p *service.Process) error {
	args := os.Args[1:]
	if len(args) == 0 || args[0] == "serve" {
		return serve(ctx, p)
	}
	return operate(ctx, p, args)
}

func serve(ctx context.Context, p *service.Process) error {
	var cfg catalog.Config
	if err := p.LoadConfig(&cfg); err != nil {
		return err
	}
	if err := migrations.Up(ctx, string(cfg.DatabaseURL)); err != nil {
		return err
	}
	db, err := catalog.OpenDB(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return err
	}
	defer db.Close()
	b, err := bus.Connect(ctx, string(cfg.NATSURL), p.Name, p.Log)
	if err != nil {
		return err
	}
	defer b.Close()

	p.ExposeMetrics() // the gateway leads nobody to them
	d := catalog.Deps{DB: db, Bus: b, Log: p.Log, Metrics: p.Metrics}
	d.Meilisearch.URL, d.Meilisearch.Key = string(cfg.MeilisearchURL), string(cfg.MeilisearchAPIKey)
	c := catalog.New(cfg.Options, d)
	p.Ready("postgres", db.Ping)
	p.Ready("nats", b.Ping)
	return p.Serve(ctx, cfg.Port, c.Handler(), c.Run)
}

// operate runs the commands that need the database alone.
func operate(ctx context.Context, p *service.Process, args []string) error {
	var cfg catalog.OperationsConfig
	if err := p.LoadConfig(&cfg); err != nil {
		return err
	}
	url := string(cfg.DatabaseURL)
	if args[0] == "migrate" {
		return migrations.Up(ctx, url)
	}
	db, err := catalog.OpenDB(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	switch {
	case args[0] == "republish":
		return catalog.Republish(ctx, db, p.Log, func(done int) { p.Log.Info("republish", "plugins", done) })
	case args[0] == "loadtest-data" && len(args) == 2:
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 1 {
			return errs.New(errs.Invalid, "catalog loadtest-data %s: want a number of plugins, such as 100000", args[1])
		}
		return catalog.LoadTestData(ctx, db, p.Log, n, func(done int) { p.Log.Info("load test data", "plugins", done) })
	case args[0] == "confirm-scan" && len(args) == 2:
		k, err := plugpack.ParseMarketplace(args[1], "github.com")
		if err != nil {
			return err
		}
		removed, err := catalog.ConfirmScan(ctx, db, p.Log, k)
		if err == nil {
			fmt.Printf("%d plugins of %s are removed\n", removed, k)
		}
		return err
	case args[0] == "export" && len(args) == 2:
		return export(ctx, p, db, args[1])
	case args[0] == "import" && len(args) == 2:
		return take(ctx, p, db, args[1])
	case args[0] == "set-roles" && len(args) >= 2:
		return catalog.SetRoles(ctx, db, p.Log, args[1], args[2:])
	case args[0] == "seed-packs" && len(args) == 2:
		return seedPacks(ctx, p, db, args[1])
	}
	return errs.New(errs.Invalid, "usage: catalog [serve | migrate | republish | confirm-scan HOST/OWNER/REPO | set-roles LOGIN [admin|curator…] | seed-packs FILE | export FILE | import FILE | loadtest-data N]")
}

func seedPacks(ctx context.Context, p *service.Process, db *pgxpool.Pool, file string) error {
	drafts, err := os.ReadFile(file)
	if err != nil {
		return errs.New(errs.Invalid, "seed-packs: %w", err)
	}
	made, err := catalog.SeedPacks(ctx, db, p.Log, drafts)
	if err == nil {
		fmt.Printf("%d packs are made\n", made)
	}
	return err
}

func export(ctx context.Context, p *service.Process, db *pgxpool.Pool, file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // it names people
	if err != nil {
		return errs.New(errs.Invalid, "export: %w", err)
	}
	return errors.Join(catalog.Export(ctx, db, p.Log, f), f.Close())
}

func take(ctx context.Context, p *service.Process, db *pgxpool.Pool, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return errs.New(errs.Invalid, "import: %w", err)
	}
	defer f.Close()
	taken, err := catalog.Import(ctx, db, p.Log, f)
	fmt.Printf("%d records are taken in\n", taken)
	return err
}
