package service

import (
	"log/slog"
	"net/url"
	"strings"

	"github.com/plugpack/plugpack/libs/config"
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

// Public is where users reach the hub, which those services have to know that
// tell others of it.
type Public struct {
	PublicURL config.URL `env:"PUBLIC_URL" envDefault:"http://127.0.0.1:8000" doc:"Where users reach the hub; packs name it as the place of their empty repository, and GitHub sends who signs in back to it." want:"an address such as https://plugpack.example"`
}

// Validate checks what types cannot.
func (p Public) Validate() error {
	u, err := url.Parse(string(p.PublicURL))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return errs.New(errs.Invalid, "PUBLIC_URL: want an address such as https://plugpack.example")
	}
	return nil
}

// CheckHTTPS refuses, in production, an address to which a client connects in a
// way that anybody can change or listen to.
func (p Public) CheckHTTPS(production bool) error {
	if production && !p.HTTPS() {
		return errs.New(errs.Invalid, "PUBLIC_URL: want an https address in production")
	}
	return nil
}

// HTTPS says whether users connect over TLS.
func (p Public) HTTPS() bool { return strings.HasPrefix(string(p.PublicURL), "https://") }

// Address gives the address without a slash at its end.
func (p Public) Address() string { return strings.TrimSuffix(string(p.PublicURL), "/") }
