package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares an envelope with the file that shows the contract, and gives
// the file's content.
func golden(t *testing.T, name string, envelope []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, envelope, "", "  "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s is out of date, run with -update if the change of contract is meant (-want +got):\n%s", path, diff)
	}
	return want
}

// contract holds one event to its golden file, there and back.
func contract[T any](t *testing.T, typ, subject, id string, payload T, make func(T) (events.Message, error)) {
	t.Helper()
	m, err := make(payload)
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != subject || m.ID != id {
		t.Errorf("subject %q, id %q; want %q, %q", m.Subject, m.ID, subject, id)
	}
	file := golden(t, typ, m.Data)
	if got, err := events.Type(file); err != nil || got != typ {
		t.Errorf("type %q, %v; want %q", got, err, typ)
	}
	got, err := events.Decode[T](file, typ)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(payload, got); diff != "" {
		t.Errorf("the payload comes back changed (-sent +got):\n%s", diff)
	}
	if _, err := events.Decode[T](file, "other."+typ); errs.KindOf(err) != errs.Invalid {
		t.Errorf("decoding as another type gives %v, want Invalid", err)
	}
}

func TestContracts(t *testing.T) {
	t.Parallel()
	const marketplace, plugin = "Z2l0aHViLmNvbS9hY21lL3Rvb2xz", "Z2l0aHViLmNvbS9hY21lL3Rvb2xzOmRlcGxveQ"
	t.Run(events.TypeScanRequested, func(t *testing.T) {
		t.Parallel()
		r := events.ScanRequested{Scan: "scan-1", Marketplace: "github.com/acme/tools", RequestedAt: sample.Time, Priority: events.PriorityPopular, Force: true, After: "none"}
		contract(t, events.TypeScanRequested, "scan.requested.popular."+marketplace, "scan-1", r, events.NewScanRequested)
	})
	t.Run(events.TypeMarketplaceScanned, func(t *testing.T) {
		t.Parallel()
		l := sample.Listing("acme/tools", 1, "deploy", "lint")
		l.Scan, l.Version, l.Entries = "scan-1", "2.0.0", 3
		l.Repository.Topics, l.Repository.PushedAt = []string{"plugins"}, sample.At(-5)
		l.Repository.Release, l.Repository.ReleasedAt = "v1.2.0", sample.At(-6)
		l.Skipped = []plugpack.Skipped{{Index: 2, Name: "odd", Reason: "its source is a number"}}
		l.Renames = map[string]string{"old": "deploy", "gone": ""}
		contract(t, events.TypeMarketplaceScanned, "marketplace.scanned."+marketplace, "scan-1/scanned", l, events.NewMarketplaceScanned)
	})
	t.Run(events.TypeMarketplaceFailed, func(t *testing.T) {
		t.Parallel()
		f := plugpack.Failure{Scan: "scan-1", ObservedAt: sample.Time, Key: "github.com/acme/tools", Reason: "no marketplace.json", Entries: 2}
		contract(t, events.TypeMarketplaceFailed, "marketplace.failed."+marketplace, "scan-1/failed", f, events.NewMarketplaceFailed)
	})
	t.Run(events.TypePluginUpdated, func(t *testing.T) {
		t.Parallel()
		o := sample.Observation("acme/tools", "deploy", 1)
		o.Scan, o.Facts.Description = "scan-1", `Ships <it> & "more" – 插件`
		contract(t, events.TypePluginUpdated, "plugin.updated."+plugin, "scan-1/"+plugin, o, events.NewPluginUpdated)
	})
	t.Run(events.TypeDiscoveryFinished, func(t *testing.T) {
		t.Parallel()
		d := plugpack.Discovery{Method: "topics", Found: 998, Total: 1003, Slices: 4, Incomplete: true, StartedAt: sample.Time, FinishedAt: sample.At(9)}
		contract(t, events.TypeDiscoveryFinished, "discovery.finished.dG9waWNz", "topics/2026-01-02T03:13:05Z", d, events.NewDiscoveryFinished)
	})
	t.Run(events.TypeRepositoryOptedOut, func(t *testing.T) {
		t.Parallel()
		o := plugpack.OptOut{Name: "github.com/acme/tools", Host: "github.com", HostID: 7, Reason: "its owner asked for it", At: sample.Time}
		contract(t, events.TypeRepositoryOptedOut, "repository.opted_out."+marketplace, "github.com/acme/tools/2026-01-02T03:04:05Z", o, events.NewRepositoryOptedOut)
	})
	t.Run(events.TypePluginChanged, func(t *testing.T) {
		t.Parallel()
		p := sample.Plugin("acme/tools", "deploy", 3)
		p.Aliases, p.Successor = []string{"acme-tools-old"}, "acme-tools-next"
		contract(t, events.TypePluginChanged, "catalog.changed.plugin."+p.ID, "42", p, func(p plugpack.Plugin) (events.Message, error) {
			return events.NewPluginChanged("42", p)
		})
	})
	t.Run(events.TypePackChanged, func(t *testing.T) {
		t.Parallel()
		p := sample.Pack("go-backend", 3, "deploy")
		contract(t, events.TypePackChanged, "catalog.changed.pack."+p.ID, "43", p, func(p plugpack.Pack) (events.Message, error) {
			return events.NewPackChanged("43", p)
		})
	})
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, envelope := range map[string]string{
		"nothing":               "",
		"text":                  "hello",
		"half an envelope":      `{"specversion":"1.0","type":"plugin.updated"`,
		"a list":                `[]`,
		"no envelope at all":    `{"scan":"x"}`,
		"an unknown version":    `{"specversion":"9.9","id":"1","source":"x","type":"plugin.updated","data":{}}`,
		"another type":          `{"specversion":"1.0","id":"1","source":"x","type":"plugin.created","data":{}}`,
		"no data":               `{"specversion":"1.0","id":"1","source":"x","type":"plugin.updated"}`,
		"data of another shape": `{"specversion":"1.0","id":"1","source":"x","type":"plugin.updated","datacontenttype":"application/json","data":{"scan":7}}`,
		"data of another kind":  `{"specversion":"1.0","id":"1","source":"x","type":"plugin.updated","datacontenttype":"text/plain","data":"x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := events.Decode[plugpack.Observation]([]byte(envelope), events.TypePluginUpdated)
			if errs.KindOf(err) != errs.Invalid {
				t.Errorf("got %+v, %v; want Invalid", got, err)
			}
		})
	}
	t.Run("the type of garbage", func(t *testing.T) {
		t.Parallel()
		if _, err := events.Type([]byte("{")); errs.KindOf(err) != errs.Invalid {
			t.Errorf("got %v, want Invalid", err)
		}
	})
}

func TestAFieldMoreIsFree(t *testing.T) {
	t.Parallel()
	const envelope = `{"specversion":"1.0","id":"1","source":"x","type":"plugin.updated","newattribute":"y","datacontenttype":"application/json","data":{"scan":"s","name":"n","mood":"good"}}`
	got, err := events.Decode[plugpack.Observation]([]byte(envelope), events.TypePluginUpdated)
	if err != nil || got.Scan != "s" || got.Name != "n" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAnEventThatIsTooLarge(t *testing.T) {
	t.Parallel()
	o := sample.Observation("acme/tools", "deploy", 1)
	o.Facts.Description = strings.Repeat("x", events.MaxBytes)
	if _, err := events.NewPluginUpdated(o); errs.KindOf(err) != errs.Invalid {
		t.Errorf("got %v, want Invalid", err)
	}
	o.Facts.Description = strings.Repeat("x", events.MaxBytes-4096)
	m, err := events.NewPluginUpdated(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := testkit.Bus(t).Publish(t.Context(), m); err != nil {
		t.Errorf("the largest event cannot be published: %v", err)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, key := range []string{"a", "tool.kit", "tool kit", "tool/kit", "a*", "a>", "插件", "\u202e", "a\nb", strings.Repeat("long.", 200), "local/Home/My Folder:x.y z"} {
		token := events.Token(key)
		if token == "" || strings.ContainsFunc(token, func(r rune) bool {
			return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
		}) {
			t.Errorf("token of %q is %q", key, token)
		}
		if other, is := seen[token]; is {
			t.Errorf("%q and %q have one token", key, other)
		}
		seen[token] = key
	}
	subjects := []string{
		events.SubjectScanProgress("github.com/a b/c.d"), events.SubjectDiscoveryFinished("a.b c"),
		events.SubjectMarketplaceScanned("github.com/a b/c.d"), events.SubjectMarketplaceFailed("github.com/a b/c.d"),
		events.SubjectPluginUpdated(plugpack.Key{Marketplace: "github.com/a b/c.d", Name: "e.f g"}),
		events.SubjectDead("catalog", "plugin.updated.x"),
	}
	for _, s := range subjects {
		if strings.Count(s, ".") != 2 || strings.ContainsAny(s, " *>") {
			t.Errorf("subject %q has not three parts", s)
		}
	}
}

func TestPriorities(t *testing.T) {
	t.Parallel()
	const k = plugpack.MarketplaceKey("github.com/acme/tools")
	for _, p := range events.Priorities {
		m, err := events.NewScanRequested(events.ScanRequested{Scan: "1", Marketplace: k, RequestedAt: sample.Time, Priority: p})
		if err != nil || m.Subject != "scan.requested."+string(p)+"."+events.Token(string(k)) {
			t.Errorf("%s: subject %q, %v", p, m.Subject, err)
		}
		if filter := events.ScanRequestsOf(p); strings.TrimSuffix(filter, "*")+events.Token(string(k)) != m.Subject {
			t.Errorf("%s: filter %q misses %q", p, filter, m.Subject)
		}
	}
	m, err := events.NewScanRequested(events.ScanRequested{Scan: "1", Marketplace: k, RequestedAt: sample.Time})
	if err != nil || m.Subject != events.SubjectScanRequested(events.PriorityNow, k) {
		t.Errorf("without a priority: %q, %v", m.Subject, err)
	}
	if _, err := events.NewScanRequested(events.ScanRequested{Marketplace: k, Priority: "now.x"}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("an unknown priority gives %v, want Invalid", err)
	}
}

func TestFinalProgress(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]bool{"fetching": false, "reading": false, "publishing": false, "waiting": false, "done": true, "unchanged": true, "failed": true} {
		if got := (events.ScanProgress{Step: step}).Final(); got != want {
			t.Errorf("final after %q: %v", step, got)
		}
	}
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	var wg sync.WaitGroup
	for range 4 {
		nc, err := s.Connect()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for range 2 {
				if err := events.Ensure(t.Context(), js); err != nil {
					t.Errorf("ensure beside others: %v", err)
				}
			}
		})
	}
	wg.Wait()
	js := testkit.BusOn(t, s).JetStream()
	for _, name := range []string{events.StreamScan, events.StreamPlugin, events.StreamCatalog, events.StreamDead} {
		if _, err := js.Stream(t.Context(), name); err != nil {
			t.Errorf("stream %s: %v", name, err)
		}
	}
	for _, name := range []string{events.BucketScanState, events.BucketScanTrial, events.BucketDiscovery, events.BucketLease} {
		if _, err := js.KeyValue(t.Context(), name); err != nil {
			t.Errorf("bucket %s: %v", name, err)
		}
	}
}

func TestEnsureKeepsMessages(t *testing.T) {
	t.Parallel()
	js := testkit.Bus(t).JetStream()
	if _, err := js.Publish(t.Context(), "plugin.updated.x", []byte("x")); err != nil {
		t.Fatal(err)
	}
	// An older version of ours had other settings.
	old := jetstream.StreamConfig{Name: events.StreamPlugin, Subjects: []string{"plugin.updated.*"}, MaxMsgsPerSubject: 5}
	if _, err := js.UpdateStream(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := events.Ensure(t.Context(), js); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), events.StreamPlugin)
	if err != nil {
		t.Fatal(err)
	}
	info := stream.CachedInfo()
	if info.Config.MaxMsgsPerSubject != 1 || len(info.Config.Subjects) != 5 || info.State.Msgs != 1 {
		t.Errorf("%d messages a subject, subjects %v, %d messages", info.Config.MaxMsgsPerSubject, info.Config.Subjects, info.State.Msgs)
	}
}

func TestScanQueueTakesAMarketplaceOnce(t *testing.T) {
	t.Parallel()
	b := testkit.Bus(t)
	ask := func(scan string, k plugpack.MarketplaceKey) error {
		m, err := events.NewScanRequested(events.ScanRequested{Scan: scan, Marketplace: k, RequestedAt: sample.Time, Priority: events.PriorityStale})
		if err != nil {
			t.Fatal(err)
		}
		return b.Publish(t.Context(), m)
	}
	if err := ask("1", "github.com/acme/tools"); err != nil {
		t.Fatal(err)
	}
	if err := ask("2", "github.com/acme/tools"); errs.KindOf(err) != errs.Conflict {
		t.Errorf("a second request while one waits gives %v, want Conflict", err)
	}
	urgent, err := events.NewScanRequested(events.ScanRequested{Scan: "u", Marketplace: "github.com/acme/tools", RequestedAt: sample.Time, Priority: events.PriorityNow})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), urgent); err != nil {
		t.Errorf("an urgent request behind a stale one is refused: %v", err)
	}
	if err := ask("3", "github.com/acme/other"); err != nil {
		t.Errorf("another marketplace is refused: %v", err)
	}
	cons, err := b.JetStream().CreateOrUpdateConsumer(t.Context(), events.StreamScan, jetstream.ConsumerConfig{
		Durable: "scraper", FilterSubject: events.ScanRequestsOf(events.PriorityStale), AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := cons.Next()
	if err != nil {
		t.Fatal(err)
	}
	if err := ask("4", "github.com/acme/tools"); errs.KindOf(err) != errs.Conflict {
		t.Errorf("a request during the scan gives %v, want Conflict", err)
	}
	if err := m.DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ask("5", "github.com/acme/tools"); err != nil {
		t.Errorf("a request after the scan gives %v", err)
	}
}

func TestStreamsKeepTheLatestOfASubject(t *testing.T) {
	t.Parallel()
	b := testkit.Bus(t)
	for n := range 3 {
		for _, name := range []string{"deploy", "lint"} {
			m, err := events.NewPluginUpdated(sample.Observation("acme/tools", name, n))
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Publish(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	stream, err := b.JetStream().Stream(t.Context(), events.StreamPlugin)
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.CachedInfo().State.Msgs; got != 2 {
		t.Errorf("the stream keeps %d messages, want one a plugin", got)
	}
	last, err := stream.GetLastMsgForSubject(t.Context(), events.SubjectPluginUpdated(plugpack.Key{Marketplace: "github.com/acme/tools", Name: "deploy"}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := events.Decode[plugpack.Observation](last.Data, events.TypePluginUpdated)
	if err != nil || !got.ObservedAt.Equal(sample.At(2)) {
		t.Errorf("the stream keeps the observation of %v, %v", got.ObservedAt, err)
	}
	if _, err := stream.GetLastMsgForSubject(t.Context(), "plugin.updated.none"); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("got %v for a plugin never seen", err)
	}
}
