package catalog

import (
	"cmp"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/catalog/internal/rest"
	"github.com/plugpack/plugpack/services/catalog/internal/rest/live"
)

// Options are the settings of the catalog's own behaviour.
type Options struct {
	identity.Options
	service.Public
}

// Validate checks what types cannot.
func (o Options) Validate() error {
	return cmp.Or(o.Options.Validate(), o.Public.Validate())
}

// CheckProduction refuses, in production, the key that everybody knows, and an
// address from which a client would install over a connection that anybody can
// change.
func (o Options) CheckProduction(production bool) error {
	return cmp.Or(o.CheckHTTPS(production), o.CheckSecret(production))
}

func (o Options) rest(feed *live.Feed) rest.Options {
	return rest.Options{PublicURL: o.Address(), Identities: identity.NewKey(o.Options, time.Now), Feed: feed}
}

// Validate checks what types cannot.
func (c Config) Validate() error {
	var search error
	if c.MeilisearchURL != "" && c.MeilisearchAPIKey == "" {
		search = errs.New(errs.Invalid, "MEILISEARCH_API_KEY is not set: MEILISEARCH_URL needs it")
	}
	return cmp.Or(c.Config.Validate(), c.Options.Validate(), c.CheckProduction(c.Production()), search)
}
