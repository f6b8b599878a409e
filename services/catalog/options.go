package catalog

import (
	"errors"
	"net/url"
	"strings"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/catalog/internal/rest"
)

// Options are the settings of the catalog's own behaviour.
type Options struct {
	PublicURL config.URL `env:"PUBLIC_URL" envDefault:"http://127.0.0.1:8000" doc:"Where users reach the hub; packs name it as the place of their empty repository." want:"an address such as https://plugpack.example"`
}

// Validate checks what types cannot.
func (o Options) Validate() error {
	u, err := url.Parse(string(o.PublicURL))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return errs.New(errs.Invalid, "PUBLIC_URL: want an address such as https://plugpack.example")
	}
	return nil
}

// CheckHTTPS refuses, in production, an address from which a client would
// install over a connection that anybody can change.
func (o Options) CheckHTTPS(production bool) error {
	if production && !strings.HasPrefix(string(o.PublicURL), "https://") {
		return errs.New(errs.Invalid, "PUBLIC_URL: want an https address in production")
	}
	return nil
}

func (o Options) rest() rest.Options {
	return rest.Options{PublicURL: strings.TrimSuffix(string(o.PublicURL), "/")}
}

// Validate checks what types cannot.
func (c Config) Validate() error {
	var search error
	if c.MeilisearchURL != "" && c.MeilisearchAPIKey == "" {
		search = errs.New(errs.Invalid, "MEILISEARCH_API_KEY is not set: MEILISEARCH_URL needs it")
	}
	return errors.Join(c.Config.Validate(), c.Options.Validate(), c.CheckHTTPS(c.Production()), search)
}
