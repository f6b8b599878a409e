package github

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// One scraper has few requests under way at a host, with however many tokens;
// urgent ones do not wait for a place.
func TestFewAtOnce(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	full, release := make(chan struct{}, 100), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		full <- struct{}{}
		if r.Header.Get("Authorization") != "Bearer urgent" {
			<-release
		}
		_, _ = io.WriteString(w, `{"id":1,"full_name":"a/b","html_url":"https://github.com/a/b"}`)
	}))
	t.Cleanup(server.Close)
	clients, err := NewClients(Options{BaseURL: server.URL}, nil, []Credential{
		{Marketplace: "github.com/a/b", Token: "other"}, {Marketplace: "github.com/a/c", Token: "urgent"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var g sync.WaitGroup
	for i := range 4 * questionsAtOnce {
		k := plugpack.MarketplaceKey([]string{"github.com/a/b", "github.com/x/y"}[i%2])
		g.Go(func() {
			if _, _, err := clients.For(k).Repository(context.WithoutCancel(t.Context()), "a/b", ""); err != nil {
				t.Error(err)
			}
		})
	}
	for range questionsAtOnce {
		<-full
	}
	if _, _, err := clients.For("github.com/a/c").Repository(Urgent(t.Context()), "a/b", ""); err != nil {
		t.Errorf("urgent: %v", err)
	}
	if n := most.Load(); n != questionsAtOnce+1 {
		t.Errorf("%d at once", n)
	}
	close(release)
	g.Wait()
	if n := most.Load(); n > questionsAtOnce+1 {
		t.Errorf("%d at once", n)
	}
}
