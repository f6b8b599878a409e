package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/identity"
)

const (
	// patience is how long one request to GitHub may take.
	patience = 10 * time.Second
	// maxAnswer and maxAvatar bound what GitHub says, in bytes.
	maxAnswer = 1 << 20
	maxAvatar = 512
)

// endpointOf gives where people sign in at the GitHub whose API is at address:
// api.github.com has github.com, and an Enterprise server its own host.
func endpointOf(address string) (oauth2.Endpoint, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return oauth2.Endpoint{}, errs.New(errs.Invalid, "GITHUB_API_URL: want an address such as https://api.github.com/")
	}
	web := url.URL{Scheme: u.Scheme, Host: strings.TrimPrefix(u.Host, "api."), Path: "/login/oauth/"}
	return oauth2.Endpoint{
		AuthURL: web.JoinPath("authorize").String(), TokenURL: web.JoinPath("access_token").String(), AuthStyle: oauth2.AuthStyleInParams,
	}, nil
}

// person asks GitHub who came back with the code. What GitHub lets us do in his
// name is used for that and not kept.
func (a *Auth) person(ctx context.Context, code, verifier string) (identity.Person, error) {
	token, err := a.oauth.Exchange(context.WithValue(ctx, oauth2.HTTPClient, a.github), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return identity.Person{}, a.explain(ctx, err)
	}
	p, err := a.user(ctx, token)
	if err != nil {
		a.log.WarnContext(ctx, "ask GitHub for the user", "err", err)
		return p, errs.New(errs.Unavailable, "GitHub did not say who you are: try again in a moment")
	}
	return p, nil
}

// explain tells the person what he can do about it, and the log what the
// operator can. GitHub answers 200 to most of what goes wrong.
func (a *Auth) explain(ctx context.Context, err error) error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case ok && refused.ErrorCode == "bad_verification_code":
		return errs.New(errs.Unauthorized, "GitHub does not know this sign-in any more: %s", a.again())
	case ok && refused.ErrorCode == "unverified_user_email":
		return errs.New(errs.Forbidden, "GitHub wants your e-mail address verified first: do that there, then %s", a.again())
	case ok && refused.ErrorCode != "":
		a.log.ErrorContext(ctx, "GitHub refuses the OAuth app: look at GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET, PUBLIC_URL", "code", refused.ErrorCode)
		return errs.New(errs.Unavailable, "sign-in is not set up right here: tell who runs this hub")
	}
	a.log.WarnContext(ctx, "exchange GitHub's code", "err", err)
	return errs.New(errs.Unavailable, "GitHub does not answer: try again in a moment")
}

// again says how to sign in.
func (a *Auth) again() string { return "begin again at " + a.options.Address + loginPath }

// saneLogin is what GitHub's names look like, those of managed users too.
var saneLogin = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

func (a *Auth) user(ctx context.Context, token *oauth2.Token) (p identity.Person, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(a.options.GitHubAPI, "/")+"/user", nil)
	if err != nil {
		return p, fmt.Errorf("get user: %w", err)
	}
	token.SetAuthHeader(req)
	req.Header.Set("Accept", "application/vnd.github+json")
	res, err := a.github.Do(req)
	if err != nil {
		return p, fmt.Errorf("get user: %w", err)
	}
	defer res.Body.Close()
	var user struct {
		ID        int64  `json:"id"`
		Login     string `json:"login"`
		AvatarURL string `json:"avatar_url"`
	}
	if res.StatusCode != http.StatusOK {
		return p, fmt.Errorf("get user: status %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&user); err != nil {
		return p, fmt.Errorf("get user: %w", err)
	}
	if user.ID <= 0 || !saneLogin.MatchString(user.Login) {
		return p, fmt.Errorf("get user: no user has the id %d and such a login", user.ID)
	}
	if len(user.AvatarURL) > maxAvatar || !strings.HasPrefix(user.AvatarURL, "https://") {
		user.AvatarURL = ""
	}
	return identity.Person{GitHubID: user.ID, Login: user.Login, Avatar: user.AvatarURL}, nil
}

// refusal says in our words why GitHub sent somebody back without a code.
func (a *Auth) refusal(ctx context.Context, code string) error {
	if code == "access_denied" {
		return errs.New(errs.Forbidden, "you did not let GitHub say who you are: if you want to sign in after all, %s", a.again())
	}
	return a.explain(ctx, &oauth2.RetrieveError{ErrorCode: cmp.Or(code, "none")})
}
