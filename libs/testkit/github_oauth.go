package testkit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// GitHubUser is who is signed in at GitHub itself.
type GitHubUser struct {
	ID        int64  `json:"id"`
	Login     string `json:"login"`
	AvatarURL string `json:"avatar_url"`
}

// codeLife is how long a code is good for.
const codeLife = 10 * time.Minute

// gitHubOAuth is an OAuth app, and what happens in the browser of its user.
type gitHubOAuth struct {
	id, secret, callback string
	user                 *GitHubUser // nil does not agree
	codes                map[string]gitHubCode
	tokens               map[string]GitHubUser
}

// gitHubCode is what a code was given for.
type gitHubCode struct {
	user                GitHubUser
	redirect, challenge string
	at                  time.Time
}

// OAuthApp registers the server's OAuth app, with its callback address.
func (g *GitHubServer) OAuthApp(id, secret, callback string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.oauth = gitHubOAuth{id: id, secret: secret, callback: callback, codes: map[string]gitHubCode{}, tokens: map[string]GitHubUser{}}
}

// SignIn makes u who comes to the OAuth app next, and agrees; nil refuses.
func (g *GitHubServer) SignIn(u *GitHubUser) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.oauth.user = u
}

// authorize is the page that asks the user, who answers at once.
func (g *GitHubServer) authorize(req *http.Request) (int, http.Header, []byte) {
	q := req.URL.Query()
	if g.oauth.id == "" || q.Get("client_id") != g.oauth.id {
		return message(http.StatusNotFound, "Not Found")
	}
	back := url.Values{}
	if state := q.Get("state"); state != "" {
		back.Set("state", state)
	}
	redirect := q.Get("redirect_uri")
	switch {
	case redirect != "" && redirect != g.oauth.callback && !strings.HasPrefix(redirect, g.oauth.callback+"/"):
		redirect = ""
		back.Set("error", "redirect_uri_mismatch")
		back.Set("error_description", "The redirect_uri MUST match the registered callback URL for this application.")
	case g.oauth.user == nil:
		back.Set("error", "access_denied")
		back.Set("error_description", "The user has denied your application access.")
	default:
		code := rand.Text()
		g.oauth.codes[code] = gitHubCode{*g.oauth.user, redirect, q.Get("code_challenge"), g.now()}
		back.Set("code", code)
	}
	if redirect == "" {
		redirect = g.oauth.callback
	}
	return http.StatusFound, http.Header{"Location": {redirect + "?" + back.Encode()}}, nil
}

// exchange gives a token for a code. As GitHub does, it says with status 200
// what is wrong, and answers with a form unless it is asked for JSON.
func (g *GitHubServer) exchange(req *http.Request) (int, http.Header, []byte) {
	given := func(name string) string { return req.PostFormValue(name) }
	code, known := g.oauth.codes[given("code")]
	answer := map[string]string{}
	verifier := sha256.Sum256([]byte(given("code_verifier")))
	switch {
	case given("client_id") != g.oauth.id || given("client_secret") != g.oauth.secret || g.oauth.id == "":
		answer["error"] = "incorrect_client_credentials"
	case !known || g.now().Sub(code.at) > codeLife,
		code.challenge != "" && code.challenge != base64.RawURLEncoding.EncodeToString(verifier[:]):
		answer["error"] = "bad_verification_code"
	case given("redirect_uri") != "" && given("redirect_uri") != code.redirect:
		answer["error"] = "redirect_uri_mismatch"
	default:
		token := "gho_" + rand.Text()
		g.oauth.tokens[token] = code.user
		answer["access_token"], answer["scope"], answer["token_type"] = token, "", "bearer"
		delete(g.oauth.codes, given("code"))
	}
	if answer["error"] != "" {
		answer["error_description"] = "It is " + answer["error"] + "."
	}
	if strings.Contains(req.Header.Get("Accept"), "json") {
		return jsonAnswer(answer)
	}
	form := url.Values{}
	for name, v := range answer {
		form.Set(name, v)
	}
	return http.StatusOK, http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}, []byte(form.Encode())
}

// user tells whose a token is.
func (g *GitHubServer) user(req *http.Request) (int, http.Header, []byte) {
	token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	u, known := g.oauth.tokens[token]
	if !known {
		return message(http.StatusUnauthorized, "Requires authentication")
	}
	b, _ := json.Marshal(u)
	return http.StatusOK, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, b
}
