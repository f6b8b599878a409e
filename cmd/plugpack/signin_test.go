package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/testkit"
)

// A person signs in with GitHub, makes the first token, and works with it.
func TestSignInToFirstToken(t *testing.T) {
	t.Parallel()
	gh := testkit.GitHub(t, "testdata/flow.txtar")
	port := freePort(t)
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	gh.OAuthApp("client", "secret", address+"/auth/github/callback")
	gh.SignIn(&testkit.GitHubUser{ID: 42, Login: "ann", AvatarURL: "https://avatars.example/42"})
	p := startOneProcess(t, dataFolder(t), gh, writeSources(t),
		fmt.Sprintf("PORT=%d", port), "PUBLIC_URL="+address, "GITHUB_CLIENT_ID=client", "GITHUB_CLIENT_SECRET=secret")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	send := func(client *http.Client, method, path, body string, headers ...string) (int, []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, b
	}
	if status, b := send(browser, "GET", "/api/me", ""); status != 401 {
		t.Fatalf("nobody is %d %s", status, b)
	}
	var me api.Me
	if status, b := send(browser, "GET", "/auth/github/login", ""); status != 200 || json.Unmarshal(b, &me) != nil || me.Login != "ann" || me.GitHubID != 42 {
		t.Fatalf("after signing in %d %s", status, b)
	}
	const wish = `{"name":"first","scopes":["reviews"]}`
	if status, b := send(browser, "POST", "/api/me/tokens", wish, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); status != 403 {
		t.Fatalf("another site made a token: %d %s", status, b)
	}
	var made api.NewToken
	if status, b := send(browser, "POST", "/api/me/tokens", wish, "Origin", address, "Sec-Fetch-Site", "same-origin"); status != 201 || json.Unmarshal(b, &made) != nil {
		t.Fatalf("the first token: %d %s", status, b)
	}
	token := []string{"Authorization", "Bearer " + made.Token}
	if status, b := send(http.DefaultClient, "GET", "/api/me", "", token...); status != 200 || !strings.Contains(string(b), `"ann"`) {
		t.Fatalf("by token %d %s", status, b)
	}
	if status, b := send(http.DefaultClient, "GET", "/api/me/tokens", "", token...); status != 403 {
		t.Fatalf("a token sees tokens: %d %s", status, b)
	}
	if status, b := send(browser, "POST", "/auth/logout", ""); status != 204 {
		t.Fatalf("sign out %d %s", status, b)
	}
	if status, b := send(browser, "GET", "/api/me/tokens", ""); status != 401 {
		t.Fatalf("after signing out %d %s", status, b)
	}
	p.interrupt()
	if said := p.said(); strings.Contains(said, made.Token) || strings.Contains(said, `"secret"`) || strings.Contains(said, "code=") {
		t.Errorf("a secret is in the log:\n%s", said)
	}
}
