package gateway_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/gateway"
)

// behind makes a fixture whose catalog is another process's, at address.
func behind(t *testing.T, address string) *fixture {
	t.Helper()
	x := newFixture(t)
	p, err := gateway.NewProxy(config.URL(address), testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	x.catalog = p.ServeHTTP
	return x
}

func TestProxy(t *testing.T) {
	t.Parallel()
	t.Run("requests and answers pass unchanged", func(t *testing.T) {
		t.Parallel()
		var got *http.Request
		var sent []byte
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r
			sent, _ = io.ReadAll(r.Body)
			w.Header().Set("X-Request-Id", "from the catalog")
			w.Header().Set("Link", `</api/plugins/?cursor=x>; rel="next"`)
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, "hello")
		}))
		t.Cleanup(web.Close)
		x := behind(t, web.URL)
		res := x.do(t, http.MethodPost, "http://plugpack.example/api/search/?q=a%20b;c&q=%zz", func(r *http.Request) {
			r.Header.Set("X-Request-Id", "mine")
			r.Header.Set("X-Forwarded-For", "10.9.9.9")
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("data")), 4
		})
		if b := body(t, res); res.StatusCode != http.StatusTeapot || b != "hello" || res.Header.Get("Link") == "" {
			t.Errorf("answer %d %q %v", res.StatusCode, b, res.Header)
		}
		if ids := res.Header.Values("X-Request-Id"); len(ids) != 1 || ids[0] != "mine" {
			t.Errorf("request ids %q", ids)
		}
		if got.URL.RawQuery != "q=a%20b;c&q=%zz" || string(sent) != "data" || got.Method != http.MethodPost {
			t.Errorf("the catalog got %s %s %q", got.Method, got.URL, sent)
		}
		for name, want := range map[string]string{"X-Request-Id": "mine", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": "plugpack.example", "X-Forwarded-Proto": "http"} {
			if got.Header.Get(name) != want {
				t.Errorf("the catalog got %s %q, want %q", name, got.Header.Get(name), want)
			}
		}
	})
	t.Run("a catalog that is away is a 503 that names no address", func(t *testing.T) {
		t.Parallel()
		address := closedPort(t)
		x := behind(t, "http://"+address)
		for _, path := range []string{"/api/plugins/", "/health", "/api/plugins/slug/a"} {
			res := x.get(t, path)
			if res.Header.Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", path)
			}
			p := wantProblem(t, res, 503)
			if strings.Contains(p.Detail, address) || strings.Contains(p.Detail, "127.0.0.1") {
				t.Errorf("the client sees %q", p.Detail)
			}
		}
	})
	t.Run("a read is tried again when the connection was refused", func(t *testing.T) {
		t.Parallel()
		address := closedPort(t)
		x := behind(t, "http://"+address)
		x.get(t, "/api/") // builds the gateway
		answer := make(chan *http.Response)
		go func() { answer <- x.get(t, "/api/") }()
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		web := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ReadHeaderTimeout: time.Second}
		go func() { _ = web.Serve(l) }()
		t.Cleanup(func() { _ = web.Close() })
		if res := <-answer; res.StatusCode != 200 {
			t.Errorf("answer %d", res.StatusCode)
		}
	})
	t.Run("a body that is too large without saying so is a 413", func(t *testing.T) {
		t.Parallel()
		web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
		t.Cleanup(web.Close)
		x := behind(t, web.URL)
		res := x.do(t, http.MethodPost, "/api/submissions", func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, gateway.MaxBody+1))), -1
		})
		wantProblem(t, res, 413)
	})
	t.Run("an answer that breaks off is broken off", func(t *testing.T) {
		t.Parallel()
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		t.Cleanup(web.Close)
		x := behind(t, web.URL)
		x.get(t, "/nothing") // builds the gateway
		door := httptest.NewServer(x.handler)
		t.Cleanup(door.Close)
		res, err := http.Get(door.URL + "/api/")
		if err == nil {
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		}
		if err == nil {
			t.Error("the client took half an answer for a whole one")
		}
	})
	t.Run("a bad address is one line", func(t *testing.T) {
		t.Parallel()
		_, err := gateway.NewProxy("ftp://x", testkit.Log(t))
		if err == nil || !strings.HasPrefix(err.Error(), "CATALOG_URL: want") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("ping says whether it is there", func(t *testing.T) {
		t.Parallel()
		web := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(web.Close)
		for _, address := range []string{"http://" + closedPort(t), web.URL} {
			p, err := gateway.NewProxy(config.URL(address), testkit.Log(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Ping(t.Context()); err == nil {
				t.Errorf("%s answers", address)
			}
		}
	})
}

// closedPort gives an address on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
