package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/catalog"
	"github.com/plugpack/plugpack/services/gateway"
	"github.com/plugpack/plugpack/services/indexer"
	"github.com/plugpack/plugpack/services/scraper"
)

// Config is what the one-process form reads from the environment: the
// services' own variables, with every server optional.
type Config struct {
	service.Config
	Data              string        `env:"PLUGPACK_DATA" doc:"Folder of the database and the streams; default /var/lib/plugpack for root, else $XDG_DATA_HOME/plugpack." want:"a folder that this user may write"`
	DatabaseURL       config.URL    `env:"DATABASE_URL" doc:"Postgres database to use instead of a private one." want:"an address such as postgres://user:password@host/database"`
	NATSURL           config.URL    `env:"NATS_URL" doc:"NATS server with JetStream to use instead of the built-in one." want:"an address such as nats://host:4222"`
	RedisURL          config.URL    `env:"REDIS_URL" doc:"Redis server to use instead of memory for pages and rate limits." want:"an address such as redis://host:6379"`
	MeilisearchURL    config.URL    `env:"MEILISEARCH_URL" doc:"Meilisearch server to keep in step; without it search runs on Postgres alone." want:"an address such as http://host:7700"`
	MeilisearchAPIKey config.Secret `env:"MEILISEARCH_API_KEY" doc:"Key for Meilisearch; required if its address is set." want:"a key that may write the indexes \"plugins\" and \"packs\""`
	scraper.Options
	Gateway gateway.Options
	Indexer indexer.Options
	Catalog catalog.Options
}

// Validate checks what types cannot.
func (c Config) Validate() error {
	if c.MeilisearchURL != "" && c.MeilisearchAPIKey == "" {
		return errs.New(errs.Invalid, "MEILISEARCH_API_KEY is not set: MEILISEARCH_URL needs it")
	}
	// The first, as the services share variables and would say the same twice.
	return cmp.Or(c.Config.Validate(), c.Options.Validate(), c.Gateway.Validate(), c.Indexer.Validate(), c.Catalog.Validate(),
		c.CheckHTTPS(c.Production()), c.Gateway.CheckProduction(c.Production()), c.Catalog.CheckProduction(c.Production()))
}

// loadConfig reads the environment. Warnings and errors are all that a person
// at a terminal wants to see, so LOG_LEVEL is warn here unless it is set.
func loadConfig() (Config, error) {
	var c Config
	if err := config.Load(&c); err != nil {
		return c, err
	}
	if os.Getenv("LOG_LEVEL") == "" {
		c.LogLevel = slog.LevelWarn
	}
	if c.Data == "" {
		dir, err := defaultData()
		if err != nil {
			return c, err
		}
		c.Data = dir
	}
	var err error
	c.Data, err = filepath.Abs(c.Data)
	return c, err
}

func defaultData() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/plugpack", nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "plugpack"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errs.New(errs.Invalid, "PLUGPACK_DATA: want a folder, since this user has no home")
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "plugpack"), nil
	}
	return filepath.Join(home, ".local", "share", "plugpack"), nil
}

// makeData makes the data folder and says clearly when that is not possible.
// Other users may pass through it (the database may run as one), but not list
// it.
func makeData(dir string) error {
	err := os.MkdirAll(dir, 0o711)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(dir, ".write-*"); err == nil {
			_ = probe.Close()
			err = os.Remove(probe.Name())
		}
	}
	if err != nil {
		return errs.New(errs.Invalid, "PLUGPACK_DATA: want a folder that this user may write: %w", err)
	}
	return nil
}

type envCommand struct{}

// Run prints .env.example.
func (envCommand) Run() error {
	fmt.Print(envExample())
	return nil
}
