// Package auth finds out who is asking. A person signs in with GitHub and gets
// a session, a signed cookie; of a request that brings one the catalog is told
// whose it is, by a signed token of package identity. API tokens go on to the
// catalog as they are: it alone knows them.
//
// A browser sends cookies whoever made it send the request. So a request that
// changes something counts as its user's only if the page that sent it is ours.
package auth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/services/gateway/internal/request"
)

// Options say how people sign in.
type Options struct {
	// Address is where users reach the hub, without a slash at its end.
	Address string
	// ClientID and ClientSecret are those of an OAuth app; without them nobody
	// can sign in.
	ClientID, ClientSecret string
	// GitHubAPI is the address of GitHub's API, which tells the host too.
	GitHubAPI string
	// Origins are other sites whose pages may send requests with a session.
	Origins  []string
	Identity identity.Options
	Now      func() time.Time
}

// Auth knows who is asking.
type Auth struct {
	options    Options
	oauth      oauth2.Config
	github     *http.Client
	sameOrigin *http.CrossOriginProtection
	sessions   *identity.Key // left with browsers
	identities *identity.Key // handed to the catalog
	catalog    http.Handler
	tokens     *tokens
	log        *slog.Logger
}

// New makes what knows who asks the catalog.
func New(o Options, catalog http.Handler, log *slog.Logger) (*Auth, error) {
	endpoint, err := endpointOf(o.GitHubAPI)
	if err != nil {
		return nil, err
	}
	a := &Auth{
		options: o, catalog: catalog, log: log, sameOrigin: http.NewCrossOriginProtection(), tokens: newTokens(o.Now),
		sessions: identity.NewSessionKey(o.Identity, o.Now), identities: identity.NewKey(o.Identity, o.Now),
		// No scope: all that is asked is who somebody is.
		oauth: oauth2.Config{ClientID: o.ClientID, ClientSecret: o.ClientSecret, Endpoint: endpoint, RedirectURL: o.Address + callbackPath},
		// A redirect would take the secret along to who knows where.
		github: &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	for _, origin := range append(o.Origins, o.Address) {
		if err := a.sameOrigin.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("trust the origin %s: %w", origin, err)
		}
	}
	return a, nil
}

type personKey struct{}

// Identify tells what comes after it whose request it is, if it is somebody's:
// a Client by its context and the catalog by a header. Whoever sends an
// Authorization header has said himself who he is, so no session counts beside
// it.
func (a *Auth) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := a.session(r)
		if !ok || r.Header.Get("Authorization") != "" {
			next.ServeHTTP(w, r)
			return
		}
		if a.sameOrigin.Check(r) != nil {
			api.WriteProblem(w, errs.New(errs.Forbidden, "the page that sent this is of another site: send it from %s, or with an API token", a.options.Address))
			return
		}
		signed, err := a.identities.Sign(p)
		if err != nil {
			a.log.ErrorContext(r.Context(), "sign an identity", "err", err)
			api.WriteProblem(w, err)
			return
		}
		r.Header.Set(identity.Header, signed)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), personKey{}, p)))
	})
}

// Client gives whom a limit counts: a user who is signed in, an API token, or
// else an address.
//
// Only tokens that the catalog has accepted count, or everybody could have a
// new share by making a token up. So the requests of one that is not known are
// its address's, the first one of a good token too, and so is what Recognise
// costs the catalog.
func (a *Auth) Client(r *http.Request) string {
	if p, ok := r.Context().Value(personKey{}).(identity.Person); ok {
		return "user:" + strconv.FormatInt(p.GitHubID, 10)
	}
	if token := bearer(r); token != "" {
		if h := hashOf(token); a.tokens.accepted(h) {
			return "token:" + h.String()
		}
	}
	return request.ClientKey(r)
}

// bearer gives the API token that the request brings, or "".
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
