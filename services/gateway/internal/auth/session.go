package auth

import (
	"net/http"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/identity"
)

// Names of our cookies.
const (
	sessionCookie = "plugpack_session"
	attemptCookie = "plugpack_sign_in"
)

// attemptLife is how long somebody may take to sign in; GitHub's codes last as
// long.
const attemptLife = 10 * time.Minute

// session gives who the session of the request is of. One that is over, or not
// ours, is nobody's.
func (a *Auth) session(r *http.Request) (identity.Person, bool) {
	c, err := r.Cookie(a.cookieName(sessionCookie))
	if err != nil {
		return identity.Person{}, false
	}
	p, err := a.sessions.Verify(c.Value)
	return p, err == nil
}

// setCookie leaves a value with the browser; a life of 0 takes it away. Lax is
// as strict as can be: a user comes back from GitHub by its link.
func (a *Auth) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	age := int(life.Seconds())
	if age == 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: a.cookieName(name), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: a.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// cookieName has, where there is TLS, the prefix that keeps other hosts of the
// same domain from setting a cookie of that name.
func (a *Auth) cookieName(name string) string {
	if a.secure() {
		return "__Host-" + name
	}
	return name
}

func (a *Auth) secure() bool { return strings.HasPrefix(a.options.Address, "https://") }
