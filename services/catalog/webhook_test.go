package catalog_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/migrations"
	"github.com/plugpack/plugpack/services/catalog"
)

const webhookSecret = "a secret of both sides"

// deliver sends what GitHub would, signed with the secret.
func (f *fixture) deliver(event, secret, body string) *httptest.ResponseRecorder {
	f.t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	r := httptest.NewRequest(http.MethodPost, "/api/webhooks/github", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	w := httptest.NewRecorder()
	f.server.Config.Handler.ServeHTTP(w, r)
	return w
}

// waiting says how many scans of the marketplace are queued.
func (f *fixture) waiting(ctx context.Context, k plugpack.MarketplaceKey) (n uint64) {
	f.t.Helper()
	stream, err := f.bus.JetStream().Stream(ctx, events.StreamScan)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, p := range []events.Priority{events.PriorityNow, events.PriorityPopular} {
		if _, err := stream.GetLastMsgForSubject(ctx, events.SubjectScanRequested(p, k)); err == nil {
			n++
		}
	}
	return n
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	l := sample.Listing("acme/tools", 0, "deploy")
	f.publish(events.NewMarketplaceScanned(l))
	testkit.Eventually(t, "the marketplace", func(ctx context.Context) bool {
		ms, err := f.client.Marketplaces(ctx, nil)
		return err == nil && len(ms) == 1
	})
	body := func(id int64, name, ref, commits string) string {
		return fmt.Sprintf(`{"ref":%q,"repository":{"id":%d,"full_name":%q,"html_url":"https://github.com/%[3]s","default_branch":"main"},"commits":[%s]}`, ref, id, name, commits)
	}
	const file = `{"added":["README.md",".claude-plugin/marketplace.json"],"modified":[]}`
	known := l.Repository.HostID
	tests := []struct {
		name, event, secret, body string
		status                    int
		scans                     []plugpack.MarketplaceKey
	}{
		{"another's secret", "push", "guessed", body(known, "acme/tools", "refs/heads/main", ""), 401, nil},
		{"no JSON", "push", webhookSecret, `payload={}`, 422, nil},
		{"no repository", "push", webhookSecret, `{"ref":"refs/heads/"}`, 422, nil},
		{"a folder", "repository", webhookSecret, `{"repository":{"html_url":"/etc"}}`, 422, nil},
		{"a ping", "ping", webhookSecret, `{"zen":"Keep it logically awesome.","hook_id":1}`, 202, nil},
		{"a star", "watch", webhookSecret, body(known, "acme/tools", "", ""), 202, nil},
		{"another branch", "push", webhookSecret, body(known, "acme/tools", "refs/heads/wip", ""), 202, nil},
		{"a repository that is none of ours", "push", webhookSecret, body(99, "acme/site", "refs/heads/main", `{"added":["x"],"modified":["y"]}`), 202, nil},
		{"a push", "push", webhookSecret, body(known, "acme/tools", "refs/heads/main", ""), 202, []plugpack.MarketplaceKey{"github.com/acme/tools"}},
		{"a rename", "repository", webhookSecret, body(known, "acme/toolbox", "", ""), 202, []plugpack.MarketplaceKey{"github.com/acme/tools"}},
		{"the first push of a marketplace", "push", webhookSecret, body(98, "acme/new", "refs/heads/main", file), 202, []plugpack.MarketplaceKey{"github.com/acme/new"}},
		{"a marketplace in a new branch", "push", webhookSecret,
			`{"ref":"refs/heads/main","repository":{"id":97,"html_url":"https://github.com/acme/newer","default_branch":"main"},"commits":[],"head_commit":` + file + `}`,
			202, []plugpack.MarketplaceKey{"github.com/acme/newer"}},
		{"a branch that went", "push", webhookSecret,
			`{"ref":"refs/heads/main","repository":{"id":96,"html_url":"https://github.com/acme/gone","default_branch":"main"},"commits":[],"head_commit":null}`, 202, nil},
	}
	for _, test := range tests {
		w := f.deliver(test.event, test.secret, test.body)
		if w.Code != test.status {
			t.Errorf("%s: %d %s, want %d", test.name, w.Code, w.Body, test.status)
			continue
		}
		if test.status != http.StatusAccepted {
			continue
		}
		got := into[struct{ Scans []plugpack.MarketplaceKey }](t, w.Body.Bytes()).Scans
		if diff := cmp.Diff(append([]plugpack.MarketplaceKey{}, test.scans...), got); diff != "" {
			t.Errorf("%s leads to these scans (-want +got):\n%s", test.name, diff)
		}
	}
	for key, want := range map[plugpack.MarketplaceKey]uint64{"github.com/acme/tools": 2, "github.com/acme/new": 1} {
		testkit.Eventually(t, string(key)+" to be queued", func(ctx context.Context) bool { return f.waiting(ctx, key) == want })
	}

	t.Run("whose owner opted out is not scanned", func(t *testing.T) {
		f.publish(events.NewRepositoryOptedOut(plugpack.OptOut{Name: "github.com/acme/tools", HostID: known, At: time.Now()}))
		testkit.Eventually(t, "the marketplace is gone", func(ctx context.Context) bool {
			ms, err := f.client.Marketplaces(ctx, nil)
			return err == nil && len(ms) == 0
		})
		w := f.deliver("push", webhookSecret, body(known, "acme/tools", "refs/heads/main", ""))
		if got := into[struct{ Scans []plugpack.MarketplaceKey }](t, w.Body.Bytes()).Scans; w.Code != http.StatusAccepted || len(got) > 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		w = f.deliver("push", webhookSecret, body(known, "acme/tools", "refs/heads/main", file))
		if w.Code != http.StatusConflict {
			t.Errorf("with its file: %d %s", w.Code, w.Body)
		}
	})
	t.Run("without a secret none is awaited", func(t *testing.T) {
		l := load(t, 0)
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/api/webhooks/github", strings.NewReader(`{}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-GitHub-Event", "ping")
		r.Header.Set("X-Hub-Signature-256", "sha256=00")
		l.handler.ServeHTTP(w, r)
		if p := into[api.Problem](t, w.Body.Bytes()); w.Code != http.StatusNotFound || !strings.Contains(p.Detail, "GITHUB_WEBHOOK_SECRET") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
	t.Run("without a database it says so, in words of ours", func(t *testing.T) {
		db, err := catalog.OpenDB(t.Context(), testkit.Postgres(t, migrations.Up))
		if err != nil {
			t.Fatal(err)
		}
		down := &fixture{t: t, server: httptest.NewUnstartedServer(catalog.New(options(), catalog.Deps{DB: db, Bus: f.bus, Log: testkit.Log(t)}).Handler())}
		db.Close()
		export := httptest.NewRecorder()
		down.server.Config.Handler.ServeHTTP(export, httptest.NewRequest(http.MethodGet, api.ExportPath, nil))
		for _, w := range []*httptest.ResponseRecorder{export, down.deliver("push", webhookSecret, body(known, "acme/tools", "refs/heads/main", ""))} {
			p := into[api.Problem](t, w.Body.Bytes())
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || p.Detail != "the catalog's database is away, try again in a moment" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
	})
}
