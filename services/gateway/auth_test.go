package gateway_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/testkit"
)

var ann = identity.Person{GitHubID: 42, Login: "ann", Avatar: "https://avatars.example/42"}

// session is the cookie of somebody who signed in just now.
func session(t testing.TB, p identity.Person) *http.Cookie {
	t.Helper()
	value, err := identity.NewSessionKey(identity.Options{SecretKey: key}, time.Now).Sign(p)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Cookie{Name: "plugpack_session", Value: value}
}

// seen is what the catalog was told of a request.
type seen struct {
	Person         identity.Person
	Cookie, Bearer string
}

// watch makes the fixture's catalog say who asks, as the real one does, and
// gives what it was told last.
func (x *fixture) watch() func() seen {
	var mu sync.Mutex
	var last seen
	keys := identity.NewKey(identity.Options{SecretKey: key}, time.Now)
	x.catalog = func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		last = seen{Cookie: r.Header.Get("Cookie"), Bearer: r.Header.Get("Authorization")}
		if token := r.Header.Get(identity.Header); token != "" {
			var err error
			if last.Person, err = keys.Verify(token); err != nil {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}
	}
	return func() seen { mu.Lock(); defer mu.Unlock(); return last }
}

// browser keeps cookies.
type browser struct {
	t       *testing.T
	x       *fixture
	cookies map[string]*http.Cookie
}

func (b *browser) send(method, path string, headers ...string) *http.Response {
	b.t.Helper()
	res := b.x.do(b.t, method, path, func(r *http.Request) {
		for _, c := range b.cookies {
			r.AddCookie(c)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
	})
	for _, c := range res.Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return res
}

// begin begins a sign-in and gives the way back from GitHub.
func (b *browser) begin(query string) string {
	b.t.Helper()
	res := b.send(http.MethodGet, "/auth/github/login"+query)
	if res.StatusCode != http.StatusFound {
		b.t.Fatalf("login answers %d %s", res.StatusCode, body(b.t, res))
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	gitHub, err := client.Get(res.Header.Get("Location"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer gitHub.Body.Close()
	back, err := url.Parse(gitHub.Header.Get("Location"))
	if err != nil || gitHub.StatusCode != http.StatusFound || back.Path != "/auth/github/callback" {
		b.t.Fatalf("GitHub answers %d, %v, and leads to %v", gitHub.StatusCode, err, back)
	}
	return back.RequestURI()
}

// atGitHub makes a fixture whose hub is at address and has an OAuth app at a
// GitHub where ann is signed in.
func atGitHub(t *testing.T, address string) (*browser, *testkit.GitHubServer) {
	t.Helper()
	g := testkit.GitHub(t, "")
	g.OAuthApp("client", "secret", address+"/auth/github/callback")
	g.SignIn(&testkit.GitHubUser{ID: ann.GitHubID, Login: ann.Login, AvatarURL: ann.Avatar})
	x := newFixture(t)
	x.options.PublicURL, x.options.GitHubAPIURL = config.URL(address), config.URL(g.URL+"api/v3/")
	x.options.GitHubClientID, x.options.GitHubClientSecret = "client", "secret"
	return &browser{t, x, map[string]*http.Cookie{}}, g
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	const here = "http://127.0.0.1:8000"
	t.Run("who comes back from GitHub is known to the catalog, until he signs out", func(t *testing.T) {
		t.Parallel()
		b, _ := atGitHub(t, here)
		told := b.x.watch()
		res := b.send(http.MethodGet, b.begin("?next=/api/me%3Fx=1"))
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/api/me?x=1" || res.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("callback answers %d %v %s", res.StatusCode, res.Header, body(t, res))
		}
		c := b.cookies["plugpack_session"]
		if c == nil || len(b.cookies) != 1 || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || c.Domain != "" {
			t.Fatalf("cookies %+v", b.cookies)
		}
		b.send(http.MethodGet, "/api/me", identity.Header, "forged")
		if diff := cmp.Diff(seen{Person: ann}, told()); diff != "" {
			t.Errorf("the catalog was told (-want +got):\n%s", diff)
		}
		if res := b.send(http.MethodPost, "/auth/logout", "Sec-Fetch-Site", "same-origin"); res.StatusCode != http.StatusNoContent || len(b.cookies) != 0 {
			t.Errorf("logout answers %d, cookies %v", res.StatusCode, b.cookies)
		}
		b.send(http.MethodGet, "/api/me")
		if diff := cmp.Diff(seen{}, told()); diff != "" {
			t.Errorf("after signing out the catalog was told (-want +got):\n%s", diff)
		}
	})
	t.Run("where there is TLS the cookie does not travel without", func(t *testing.T) {
		t.Parallel()
		b, _ := atGitHub(t, "https://plugpack.example")
		told := b.x.watch()
		b.send(http.MethodGet, b.begin(""))
		if c := b.cookies["__Host-plugpack_session"]; c == nil || !c.Secure {
			t.Fatalf("cookies %+v", b.cookies)
		}
		if b.send(http.MethodGet, "/api/me"); told().Person != ann {
			t.Errorf("the catalog was told %+v", told())
		}
	})
	t.Run("GitHub's API leads to where people sign in", func(t *testing.T) {
		t.Parallel()
		for api, want := range map[string]string{
			"https://api.github.com/":             "https://github.com/login/oauth/authorize",
			"https://github.example/api/v3/":      "https://github.example/login/oauth/authorize",
			"https://api.octo.ghe.com":            "https://octo.ghe.com/login/oauth/authorize",
			"http://github.example:8080/api/v3/?": "http://github.example:8080/login/oauth/authorize",
		} {
			x := newFixture(t)
			x.options.GitHubAPIURL, x.options.GitHubClientID, x.options.GitHubClientSecret = config.URL(api), "client", "secret"
			to, err := url.Parse(x.get(t, "/auth/github/login").Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			q := to.Query()
			if q.Get("client_id") != "client" || q.Get("redirect_uri") != here+"/auth/github/callback" || len(q.Get("state")) < 32 ||
				q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Has("scope") {
				t.Errorf("it asks for %v", q)
			}
			if to.RawQuery = ""; to.String() != want {
				t.Errorf("%s leads to %s, want %s", api, to, want)
			}
		}
	})
	t.Run("it leads back to this site only", func(t *testing.T) {
		t.Parallel()
		b, _ := atGitHub(t, here)
		for _, next := range []string{
			"https://evil.example/", "//evil.example", `/\evil.example`, `\\evil.example`, "evil", "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example",
			"http:/evil", "/" + strings.Repeat("a", 1000), "\x00",
		} {
			wantProblem(t, b.send(http.MethodGet, "/auth/github/login?next="+url.QueryEscape(next)), 422)
		}
	})
	t.Run("nobody is signed in by", func(t *testing.T) {
		t.Parallel()
		for _, tt := range []struct {
			name   string
			change func(b *browser, g *testkit.GitHubServer, back string) string
			status int
			say    string
		}{
			{"another's link", func(b *browser, _ *testkit.GitHubServer, back string) string {
				clear(b.cookies)
				return back
			}, 403, "not begun in this browser"},
			{"another's link into a sign-in of his own", func(b *browser, _ *testkit.GitHubServer, back string) string {
				b.begin("")
				return back
			}, 403, "not begun in this browser"},
			{"a link without a state", func(_ *browser, _ *testkit.GitHubServer, back string) string {
				return strings.Replace(back, "state=", "stat=", 1)
			}, 403, "not begun in this browser"},
			{"a broken cookie", func(b *browser, _ *testkit.GitHubServer, back string) string {
				b.cookies["plugpack_sign_in"].Value = "e30"
				return back
			}, 403, "not begun in this browser"},
			{"a made-up code", func(_ *browser, _ *testkit.GitHubServer, back string) string {
				return strings.Replace(back, "code=", "code=x", 1)
			}, 401, "begin again at " + here + "/auth/github/login"},
			{"a code of another browser", func(b *browser, _ *testkit.GitHubServer, back string) string {
				stolen, err := url.Parse(back)
				if err != nil {
					t.Fatal(err)
				}
				own, err := url.Parse(b.begin(""))
				if err != nil {
					t.Fatal(err)
				}
				q := own.Query()
				q.Set("code", stolen.Query().Get("code"))
				return own.Path + "?" + q.Encode()
			}, 401, "begin again"},
			{"a code that was used", func(b *browser, _ *testkit.GitHubServer, back string) string {
				attempt := b.cookies["plugpack_sign_in"]
				b.send(http.MethodGet, back)
				clear(b.cookies)
				b.cookies["plugpack_sign_in"] = attempt
				return back
			}, 401, "begin again"},
			{"a code that is too old", func(_ *browser, g *testkit.GitHubServer, back string) string {
				g.SetNow(func() time.Time { return time.Now().Add(time.Hour) })
				return back
			}, 401, "begin again"},
			{"an account that GitHub does not describe", func(_ *browser, g *testkit.GitHubServer, back string) string {
				g.Fault(testkit.GitHubFault{Path: "^/user$", Status: 200, Body: `{"id":0,"login":"ann"}`})
				return back
			}, 503, "try again"},
			{"an account with a name that is none", func(_ *browser, g *testkit.GitHubServer, back string) string {
				g.Fault(testkit.GitHubFault{Path: "^/user$", Status: 200, Body: `{"id":1,"login":"a b\u202e"}`})
				return back
			}, 503, "try again"},
			{"GitHub when it is away", func(_ *browser, g *testkit.GitHubServer, back string) string {
				g.Fault(testkit.GitHubFault{Path: "access_token", Drop: true})
				return back
			}, 503, "try again"},
			{"GitHub when it is broken", func(_ *browser, g *testkit.GitHubServer, back string) string {
				g.Fault(testkit.GitHubFault{Path: "access_token", Status: 502, Body: "<html>"})
				return back
			}, 503, "try again"},
			{"a redirect of GitHub's", func(_ *browser, g *testkit.GitHubServer, back string) string {
				g.Fault(testkit.GitHubFault{Path: "access_token", Status: 307, Header: map[string]string{"Location": g.URL + "login/oauth/access_token"}})
				return back
			}, 503, "try again"},
			{"an app whose secret is another", func(_ *browser, g *testkit.GitHubServer, back string) string {
				g.OAuthApp("client", "another", here+"/auth/github/callback")
				return back
			}, 503, "tell who runs this hub"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				b, g := atGitHub(t, here)
				b.x.watch()
				back := tt.change(b, g, b.begin(""))
				p := wantProblem(t, b.send(http.MethodGet, back), tt.status)
				if !strings.Contains(p.Detail, tt.say) {
					t.Errorf("it says %q, want %q", p.Detail, tt.say)
				}
				if b.cookies["plugpack_session"] != nil || b.cookies["plugpack_sign_in"] != nil {
					t.Errorf("cookies are left: %v", b.cookies)
				}
			})
		}
	})
	t.Run("who does not agree is told how to begin again, and an app that is set up wrong is logged", func(t *testing.T) {
		t.Parallel()
		b, g := atGitHub(t, here)
		g.SignIn(nil)
		if p := wantProblem(t, b.send(http.MethodGet, b.begin("")), 403); !strings.Contains(p.Detail, here+"/auth/github/login") {
			t.Errorf("it says %q", p.Detail)
		}
		g.OAuthApp("client", "secret", "https://old.example/auth/github/callback")
		wantProblem(t, b.send(http.MethodGet, b.begin("")), 503)
		if !strings.Contains(b.x.log.String(), "redirect_uri_mismatch") || !strings.Contains(b.x.log.String(), "PUBLIC_URL") {
			t.Errorf("log = %s", b.x.log.String())
		}
	})
	t.Run("without an app nobody signs in, and is told what to set", func(t *testing.T) {
		t.Parallel()
		x := newFixture(t)
		if p := wantProblem(t, x.get(t, "/auth/github/login"), 404); !strings.Contains(p.Detail, "GITHUB_CLIENT_ID") {
			t.Errorf("it says %q", p.Detail)
		}
		wantProblem(t, x.get(t, "/auth/logout"), 405)
	})
}

func TestSession(t *testing.T) {
	t.Parallel()
	good := session(t, ann)
	with := func(c *http.Cookie, headers ...string) func(*http.Request) {
		return func(r *http.Request) {
			r.AddCookie(c)
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
		}
	}
	t.Run("what is not signed by us is nobody's", func(t *testing.T) {
		t.Parallel()
		other, err := identity.NewSessionKey(identity.Options{SecretKey: "another secret of more than thirty-two characters"}, time.Now).Sign(ann)
		if err != nil {
			t.Fatal(err)
		}
		word, err := identity.NewKey(identity.Options{SecretKey: key}, time.Now).Sign(ann)
		if err != nil {
			t.Fatal(err)
		}
		old, err := identity.NewSessionKey(identity.Options{SecretKey: key}, func() time.Time { return time.Now().Add(-25 * time.Hour) }).Sign(ann)
		if err != nil {
			t.Fatal(err)
		}
		x := newFixture(t)
		told := x.watch()
		for name, value := range map[string]string{
			"nonsense": "nonsense", "nothing": "", "another key's": other, "the word to the catalog": word, "one that is over": old, "a changed one": good.Value[:len(good.Value)-3],
		} {
			if x.do(t, http.MethodGet, "/api/me", with(&http.Cookie{Name: good.Name, Value: value})); told() != (seen{}) {
				t.Errorf("%s: the catalog was told %+v", name, told())
			}
		}
	})
	t.Run("an API token counts and the session beside it does not", func(t *testing.T) {
		t.Parallel()
		x := newFixture(t)
		told := x.watch()
		x.do(t, http.MethodPost, "/api/packs", with(good, "Authorization", "Bearer plp_x", "Origin", "https://evil.example"))
		if diff := cmp.Diff(seen{Bearer: "Bearer plp_x"}, told()); diff != "" {
			t.Errorf("the catalog was told (-want +got):\n%s", diff)
		}
	})
	t.Run("pages of other sites change nothing in a user's name", func(t *testing.T) {
		t.Parallel()
		for _, tt := range []struct {
			name    string
			method  string
			headers []string
			passes  bool
		}{
			{"a page of ours", "POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:8000"}, true},
			{"the address bar", "POST", []string{"Sec-Fetch-Site", "none"}, true},
			{"a program", "POST", nil, true},
			{"an old browser at our address", "POST", []string{"Origin", "http://127.0.0.1:8000"}, true},
			{"a site that is named", "POST", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://web.example"}, true},
			{"another site", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, false},
			{"another site of our domain", "DELETE", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://blog.example"}, false},
			{"another site without a name", "PUT", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, false},
			{"an old browser at another site", "PATCH", []string{"Origin", "https://evil.example"}, false},
			{"another site that only reads", "GET", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, true},
		} {
			x := newFixture(t)
			x.options.CORSOrigins = []string{"https://web.example"}
			told := x.watch()
			res := x.do(t, tt.method, "/api/packs", with(good, tt.headers...))
			if passes := told().Person == ann; passes != tt.passes {
				t.Errorf("%s: passes %v, want %v", tt.name, passes, tt.passes)
			}
			if !tt.passes {
				wantProblem(t, res, 403)
			}
		}
	})
	t.Run("the catalog sees no cookie", func(t *testing.T) {
		t.Parallel()
		x := newFixture(t)
		told := x.watch()
		if x.get(t, "/api/packs", "Cookie", "a=1; plugpack_session=x"); told() != (seen{}) {
			t.Errorf("it was told %+v", told())
		}
	})
}

func TestWhoIsCounted(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *fixture {
		x := newFixture(t)
		x.options.RateLimit = 3
		x.catalog = func(w http.ResponseWriter, r *http.Request) {
			if bearer := r.Header.Get("Authorization"); r.URL.Path == "/api/me" && bearer != "" && !strings.HasPrefix(bearer, "Bearer good") {
				w.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = io.WriteString(w, "{}")
		}
		return x
	}
	// refusedAt gives which request of ten is the first that has to wait, 0 for
	// none.
	refusedAt := func(t *testing.T, x *fixture, change func(i int, r *http.Request)) int {
		for i := range 10 {
			if x.do(t, http.MethodGet, "/api/packs", func(r *http.Request) { change(i, r) }).StatusCode == http.StatusTooManyRequests {
				return i + 1
			}
		}
		return 0
	}
	address := func(i int) string { return "192.0.2." + string(rune('1'+i)) + ":1" }
	t.Run("a made-up token has no share of its own", func(t *testing.T) {
		t.Parallel()
		n := refusedAt(t, setup(t), func(i int, r *http.Request) { r.Header.Set("Authorization", "Bearer bad"+string(rune('a'+i))) })
		if n != 4 {
			t.Errorf("the request %d is the first that waits, want 4", n)
		}
	})
	t.Run("nor has a made-up session", func(t *testing.T) {
		t.Parallel()
		n := refusedAt(t, setup(t), func(i int, r *http.Request) { r.Header.Set("Cookie", "plugpack_session=bad"+string(rune('a'+i))) })
		if n != 4 {
			t.Errorf("the request %d is the first that waits, want 4", n)
		}
	})
	t.Run("a token has one share wherever it is sent from, once the catalog knows it", func(t *testing.T) {
		t.Parallel()
		x := setup(t)
		n := refusedAt(t, x, func(i int, r *http.Request) {
			r.RemoteAddr = address(i)
			r.Header.Set("Authorization", "Bearer good")
		})
		if n != 5 { // the first one was the address's
			t.Errorf("the request %d is the first that waits, want 5", n)
		}
		n = refusedAt(t, x, func(i int, r *http.Request) {
			r.RemoteAddr = address(i)
			r.Header.Set("Authorization", "bearer good")
		})
		if n != 1 {
			t.Errorf("the same token in another spelling: the request %d is the first that waits, want 1", n)
		}
		if res := x.do(t, http.MethodGet, "/api/packs", func(r *http.Request) { r.RemoteAddr = address(0) }); res.StatusCode != 200 {
			t.Errorf("the address itself waits too: %d", res.StatusCode)
		}
	})
	t.Run("a user has one share wherever he is signed in", func(t *testing.T) {
		t.Parallel()
		x := setup(t)
		n := refusedAt(t, x, func(i int, r *http.Request) {
			r.RemoteAddr = address(i)
			r.AddCookie(session(t, ann))
		})
		if n != 4 {
			t.Errorf("the request %d is the first that waits, want 4", n)
		}
		other := identity.Person{GitHubID: 43, Login: "bea"}
		if res := x.do(t, http.MethodGet, "/api/packs", func(r *http.Request) { r.AddCookie(session(t, other)) }); res.StatusCode != 200 {
			t.Errorf("another user waits too: %d", res.StatusCode)
		}
	})
	t.Run("a catalog that is away decides nothing", func(t *testing.T) {
		t.Parallel()
		x := setup(t)
		up, catalog := false, x.catalog
		x.catalog = func(w http.ResponseWriter, r *http.Request) {
			if !up {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			catalog(w, r)
		}
		send := func(i int) int {
			return x.do(t, http.MethodGet, "/api/packs", func(r *http.Request) {
				r.RemoteAddr = address(i)
				r.Header.Set("Authorization", "Bearer good")
			}).StatusCode
		}
		send(0)
		up = true
		for i, want := range []int{200, 200, 200, 200, 429} { // the first one is the address's again
			if got := send(i + 1); got != want {
				t.Errorf("request %d answers %d, want %d", i, got, want)
			}
		}
	})
}
