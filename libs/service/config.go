package service

import (
	"log/slog"

	"github.com/plugpack/plugpack/libs/errs"
)

// Config is what every service reads from the environment.
type Config struct {
	AppEnv   string     `env:"APP_ENV" envDefault:"development" doc:"Where this runs; in production GitHub has to be asked over https." want:"development, staging or production"`
	Port     int        `env:"PORT" envDefault:"8000" doc:"Port of the HTTP server." want:"a port from 0 to 65535; 0 takes a free one"`
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"info" doc:"Least level that is logged; plugpack up logs from warn on unless this is set." want:"debug, info, warn or error"`
}

// Validate checks what types cannot.
func (c Config) Validate() error {
	switch c.AppEnv {
	case "development", "staging", "production":
	default:
		return errs.New(errs.Invalid, "APP_ENV: want development, staging or production")
	}
	if c.Port < 0 || c.Port > 65535 {
		return errs.New(errs.Invalid, "PORT: want a port from 0 to 65535; 0 takes a free one")
	}
	return nil
}

// Production says whether this is the real thing.
func (c Config) Production() bool { return c.AppEnv == "production" }
