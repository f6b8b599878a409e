// Package identity is how the gateway tells the catalog who is asking: a signed
// token that is good for a minute and for the catalog alone. A session, which
// the gateway leaves with a browser, is the same for a day and for the gateway
// alone.
//
// The gateway finds out who somebody is, and the catalog what he may do. Both
// hold one key; whoever reaches the catalog without it is nobody, whatever
// headers he sends.
package identity

import (
	"crypto/sha256"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
)

// Header carries the token. The gateway takes headers of this kind off whatever
// comes from outside.
const Header = "Plugpack-Identity"

// SessionLife is how long a session lasts. Nothing but its end or another
// APP_SECRET_KEY takes it back, and for so long what GitHub said of the person
// is believed.
const SessionLife = 24 * time.Hour

const (
	issuer = "plugpack-gateway"
	// life is short, as a token that leaks is good for so long.
	life = time.Minute
	// leeway is how much the clocks of two machines may differ.
	leeway = 10 * time.Second
	minKey = 32
)

// development is the key where none is given. Production refuses it: everybody
// knows it.
const development = "plugpack-development-key-not-for-production"

// Options hold the key that gateway and catalog share.
type Options struct {
	SecretKey config.Secret `env:"APP_SECRET_KEY" envDefault:"plugpack-development-key-not-for-production" doc:"Key of sessions, and by which the gateway tells the catalog who is signed in; the same for both." want:"32 or more characters that nobody can guess"`
}

// Validate checks the key.
func (o Options) Validate() error {
	if len(o.SecretKey) < minKey {
		return errs.New(errs.Invalid, "APP_SECRET_KEY: want 32 or more characters that nobody can guess")
	}
	return nil
}

// CheckSecret refuses, in production, the key that everybody knows.
func (o Options) CheckSecret(production bool) error {
	if production && o.SecretKey == development {
		return errs.New(errs.Invalid, "APP_SECRET_KEY is not set: production needs 32 or more characters that nobody can guess")
	}
	return nil
}

// Person is who is signed in, as GitHub knows him.
type Person struct {
	GitHubID int64
	Login    string
	Avatar   string
}

// Key signs and verifies the tokens of one purpose.
type Key struct {
	secret   []byte
	audience string
	life     time.Duration
	now      func() time.Time
}

// NewKey makes the key of what the gateway tells the catalog.
func NewKey(o Options, now func() time.Time) *Key {
	return &Key{derive(o, "identity"), "plugpack-catalog", life, now}
}

// NewSessionKey makes the key of sessions.
func NewSessionKey(o Options, now func() time.Time) *Key {
	return &Key{derive(o, "session"), issuer, SessionLife, now}
}

// derive makes a secret of its own for each purpose, so that what is signed for
// one never passes for another.
func derive(o Options, purpose string) []byte {
	sum := sha256.Sum256([]byte("plugpack " + purpose + "\n" + string(o.SecretKey)))
	return sum[:]
}

type claims struct {
	jwt.RegisteredClaims
	Login  string `json:"login"`
	Avatar string `json:"avatar,omitempty"`
}

// Sign makes the token that says who p is.
func (k *Key) Sign(p Person) (string, error) {
	now := k.now()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{k.audience}, Subject: strconv.FormatInt(p.GitHubID, 10),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(k.life)),
		},
		Login: p.Login, Avatar: p.Avatar,
	}).SignedString(k.secret)
}

// Verify gives who a token is of. Any other is an Unauthorized error.
func (k *Key) Verify(token string) (Person, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return k.secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithIssuer(issuer), jwt.WithAudience(k.audience), jwt.WithTimeFunc(k.now), jwt.WithLeeway(leeway))
	if err != nil {
		return Person{}, errs.New(errs.Unauthorized, "the identity is not valid, sign in again")
	}
	id, err := strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || id <= 0 || c.Login == "" {
		return Person{}, errs.New(errs.Unauthorized, "the identity names nobody, sign in again")
	}
	return Person{GitHubID: id, Login: c.Login, Avatar: c.Avatar}, nil
}
