package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/identity"
)

const secret = "a secret of more than thirty-two characters"

func TestIdentity(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(t time.Time) func() time.Time { return func() time.Time { return t } }
	key := identity.NewKey(identity.Options{SecretKey: secret}, at(now))
	ann := identity.Person{GitHubID: 42, Login: "ann", Avatar: "https://avatars.example/42"}
	token, err := key.Sign(ann)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("who is signed is who is verified", func(t *testing.T) {
		t.Parallel()
		if got, err := key.Verify(token); err != nil || got != ann {
			t.Fatalf("%+v, %v", got, err)
		}
	})
	own := func(method jwt.SigningMethod, key any, c jwt.MapClaims) string {
		s, err := jwt.NewWithClaims(method, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"iss": "plugpack-gateway", "aud": "plugpack-catalog", "sub": "42", "login": "ann", "exp": now.Add(time.Minute).Unix()}
	}
	parts := strings.Split(token, ".")
	for name, forged := range map[string]string{
		"nothing":                 "",
		"garbage":                 "a.b.c",
		"no signature":            own(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good()),
		"another key":             own(jwt.SigningMethodHS256, []byte("another"), good()),
		"the secret itself":       own(jwt.SigningMethodHS256, []byte(secret), good()),
		"another method":          own(jwt.SigningMethodHS512, []byte(secret), good()),
		"another body":            parts[0] + "." + strings.Split(own(jwt.SigningMethodHS256, []byte("x"), jwt.MapClaims{"sub": "1"}), ".")[1] + "." + parts[2],
		"the signature cut short": token[:len(token)-4],
	} {
		t.Run(name+" is nobody", func(t *testing.T) {
			t.Parallel()
			if got, err := key.Verify(forged); errs.KindOf(err) != errs.Unauthorized {
				t.Fatalf("%+v, %v", got, err)
			}
		})
	}
	t.Run("a session is good for the gateway alone, and for a day", func(t *testing.T) {
		t.Parallel()
		sessions := func(now time.Time) *identity.Key {
			return identity.NewSessionKey(identity.Options{SecretKey: secret}, at(now))
		}
		session, err := sessions(now).Sign(ann)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := sessions(now.Add(identity.SessionLife - time.Minute)).Verify(session); err != nil || got != ann {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := sessions(now.Add(identity.SessionLife + time.Minute)).Verify(session); errs.KindOf(err) != errs.Unauthorized {
			t.Errorf("a session that is over: %v", err)
		}
		if _, err := key.Verify(session); errs.KindOf(err) != errs.Unauthorized {
			t.Errorf("a session passes for the gateway's word: %v", err)
		}
		if _, err := sessions(now).Verify(token); errs.KindOf(err) != errs.Unauthorized {
			t.Errorf("the gateway's word passes for a session: %v", err)
		}
	})
	t.Run("it is good for a minute", func(t *testing.T) {
		t.Parallel()
		later := identity.NewKey(identity.Options{SecretKey: secret}, at(now.Add(2*time.Minute)))
		if _, err := later.Verify(token); errs.KindOf(err) != errs.Unauthorized {
			t.Fatalf("got %v", err)
		}
		earlier := identity.NewKey(identity.Options{SecretKey: secret}, at(now.Add(-time.Hour)))
		if _, err := earlier.Verify(token); errs.KindOf(err) != errs.Unauthorized {
			t.Fatalf("a token of the future: %v", err)
		}
	})
}

func TestOptions(t *testing.T) {
	t.Parallel()
	if err := (identity.Options{SecretKey: "short"}).Validate(); err == nil || !strings.Contains(err.Error(), "APP_SECRET_KEY") {
		t.Errorf("a short key: %v", err)
	}
	known := identity.Options{SecretKey: "plugpack-development-key-not-for-production"}
	if err := known.CheckSecret(true); err == nil || known.CheckSecret(false) != nil || known.Validate() != nil {
		t.Errorf("the development key: %v", err)
	}
}
