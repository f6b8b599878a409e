package catalog

import (
	"cmp"
	"time"

	"github.com/plugpack/plugpack/libs/config"
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
	WebhookSecret config.Secret `env:"GITHUB_WEBHOOK_SECRET" doc:"Secret of the GitHub webhooks that tell PUBLIC_URL/api/webhooks/github of pushes, which are scanned at once; without one they are refused." want:"16 or more characters that nobody can guess"`
}

// leastWebhookSecret is how many characters nobody guesses.
const leastWebhookSecret = 16

// Validate checks what types cannot.
func (o Options) Validate() error {
	var webhook error
	if n := len(o.WebhookSecret); n > 0 && n < leastWebhookSecret {
		webhook = errs.New(errs.Invalid, "GITHUB_WEBHOOK_SECRET has %d characters: want %d or more that nobody can guess", n, leastWebhookSecret)
	}
	return cmp.Or(o.Options.Validate(), o.Public.Validate(), webhook)
}

// CheckProduction refuses, in production, the key that everybody knows, and an
// address from which a client would install over a connection that anybody can
// change.
func (o Options) CheckProduction(production bool) error {
	return cmp.Or(o.CheckHTTPS(production), o.CheckSecret(production))
}

func (o Options) rest(feed *live.Feed) rest.Options {
	return rest.Options{PublicURL: o.Address(), Identities: identity.NewKey(o.Options, time.Now), Feed: feed, WebhookSecret: string(o.WebhookSecret)}
}

// Validate checks what types cannot.
func (c Config) Validate() error {
	var search error
	if c.MeilisearchURL != "" && c.MeilisearchAPIKey == "" {
		search = errs.New(errs.Invalid, "MEILISEARCH_API_KEY is not set: MEILISEARCH_URL needs it")
	}
	return cmp.Or(c.Config.Validate(), c.Options.Validate(), c.CheckProduction(c.Production()), search)
}
