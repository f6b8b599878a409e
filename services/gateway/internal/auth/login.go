package auth

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
	"golang.org/x/oauth2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/identity"
)

const (
	loginPath    = "/auth/github/login"
	callbackPath = "/auth/github/callback"
	logoutPath   = "/auth/logout"
)

// mePath is where the catalog says who somebody is, and where a person is led
// who did not say where to.
const mePath = "/api/me"

// Register adds the addresses by which people sign in and out.
func (a *Auth) Register(r chi.Router) {
	r.Get(loginPath, a.login)
	r.Get(callbackPath, a.callback)
	r.Post(logoutPath, a.logout)
}

// attempt is a sign-in that was begun. It is kept by the browser that began it,
// so that nobody can be signed in by another's link. It is not signed: who can
// write our cookies could as well put one of his own attempts there.
type attempt struct {
	State    string `json:"state"`    // which GitHub hands back
	Verifier string `json:"verifier"` // of the code's challenge (PKCE)
	Next     string `json:"next"`     // where the person wanted to go
}

// login sends the person to GitHub.
func (a *Auth) login(w http.ResponseWriter, r *http.Request) {
	next := cmp.Or(r.URL.Query().Get("next"), mePath)
	switch {
	case a.oauth.ClientID == "":
		api.WriteProblem(w, errs.New(errs.NotFound, "nobody can sign in here yet: set GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET to those of a GitHub OAuth app"))
		return
	case !isLocal(next):
		api.WriteProblem(w, errs.New(errs.Invalid, "next: want a path of this site, such as /api/me"))
		return
	}
	t := attempt{State: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(), Next: next}
	b, err := json.Marshal(t)
	if err != nil {
		api.WriteProblem(w, err)
		return
	}
	a.setCookie(w, attemptCookie, base64.RawURLEncoding.EncodeToString(b), attemptLife)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, a.oauth.AuthCodeURL(t.State, oauth2.S256ChallengeOption(t.Verifier)), http.StatusFound)
}

// callback takes the person back from GitHub and gives him a session.
func (a *Auth) callback(w http.ResponseWriter, r *http.Request) {
	a.setCookie(w, attemptCookie, "", 0) // it is good for one try
	w.Header().Set("Referrer-Policy", "no-referrer")
	session, next, err := a.signIn(r)
	if err != nil {
		api.WriteProblem(w, err)
		return
	}
	a.setCookie(w, sessionCookie, session, identity.SessionLife)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (a *Auth) signIn(r *http.Request) (session, next string, err error) {
	q := r.URL.Query()
	t, ok := a.attemptOf(r)
	if !ok || subtle.ConstantTimeCompare([]byte(t.State), []byte(q.Get("state"))) != 1 {
		return "", "", errs.New(errs.Forbidden, "this sign-in was not begun in this browser, or too long ago: %s", a.again())
	}
	if q.Get("code") == "" {
		return "", "", a.refusal(r.Context(), q.Get("error"))
	}
	p, err := a.person(r.Context(), q.Get("code"), t.Verifier)
	if err != nil {
		return "", "", err
	}
	session, err = a.sessions.Sign(p)
	return session, t.Next, err
}

func (a *Auth) attemptOf(r *http.Request) (t attempt, ok bool) {
	c, err := r.Cookie(a.cookieName(attemptCookie))
	if err != nil {
		return t, false
	}
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || json.Unmarshal(b, &t) != nil {
		return t, false
	}
	return t, t.State != "" && t.Verifier != "" && isLocal(t.Next)
}

// logout takes the session away.
func (a *Auth) logout(w http.ResponseWriter, _ *http.Request) {
	a.setCookie(w, sessionCookie, "", 0)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// isLocal says whether a browser stays on this site when it is sent to the
// path. To it a backslash is a slash, and two of those begin a host.
func isLocal(path string) bool {
	u, err := url.Parse(path)
	return err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") &&
		!strings.Contains(path, `\`) && len(path) <= 1000
}
