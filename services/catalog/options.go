package catalog

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/services/catalog/internal/rest"
	"github.com/plugpack/plugpack/services/catalog/internal/rest/live"
)

// Options are the settings of the catalog's own behaviour.
type Options struct {
	identity.Options
	PublicURL config.URL `env:"PUBLIC_URL" envDefault:"http://127.0.0.1:8000" doc:"Where users reach the hub; packs name it as the place of their empty repository." want:"an address such as https://plugpack.example"`
}

// Validate checks what types cannot.
func (o Options) Validate() error {
	if err := o.Options.Validate(); err != nil {
		return err
	}
	u, err := url.Parse(string(o.PublicURL))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return errs.New(errs.Invalid, "PUBLIC_URL: want an address such as https://plugpack.example")
	}
	return nil
}

// CheckProduction refuses, in production, the key that everybody knows, and an
// address from which a client would install over a connection that anybody can
// change.
func (o Options) CheckProduction(production bool) error {
	if production && !strings.HasPrefix(string(o.PublicURL), "https://") {
		return errs.New(errs.Invalid, "PUBLIC_URL: want an https address in production")
	}
	return o.CheckSecret(production)
}

func (o Options) rest(feed *live.Feed) rest.Options {
	return rest.Options{PublicURL: strings.TrimSuffix(string(o.PublicURL), "/"), Identities: identity.NewKey(o.Options, time.Now), Feed: feed}
}

// Validate checks what types cannot.
func (c Config) Validate() error {
	var search error
	if c.MeilisearchURL != "" && c.MeilisearchAPIKey == "" {
		search = errs.New(errs.Invalid, "MEILISEARCH_API_KEY is not set: MEILISEARCH_URL needs it")
	}
	return errors.Join(c.Config.Validate(), c.Options.Validate(), c.CheckProduction(c.Production()), search)
}
