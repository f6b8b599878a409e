package main

import (
	"context"
	"fmt"
	"os"

	"github.com/plugpack/plugpack/libs/local/postgres"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/catalog"
)

type confirmCommand struct {
	Source string `arg:"" help:"The marketplace: owner/repo, an https address or a folder."`
}

// Run applies the removals that the marketplace's guard held back, in the
// database of the plugpack that runs, or in the one at DATABASE_URL.
func (c confirmCommand) Run(ctx context.Context) error {
	keys, err := parseSources([]string{c.Source})
	if err != nil {
		return err
	}
	cfg, err := loadConfig()
	if err != nil {
		return err
	}
	url := string(cfg.DatabaseURL)
	if url == "" {
		url = postgres.URL(databaseDir(cfg.Data), databaseName)
	}
	db, err := catalog.OpenDB(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	removed, err := catalog.ConfirmScan(ctx, db, service.New("", os.Stderr).Log, keys[0])
	if err != nil {
		return err
	}
	fmt.Printf("%d plugins of %s are removed\n", removed, keys[0])
	return nil
}
