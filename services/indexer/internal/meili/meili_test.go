package meili

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/libs/testkit"
)

func open(s *testkit.MeilisearchServer, key string) *Engine {
	return New(s.URL, key, func(string, time.Duration, bool) {})
}

const uid = searchdoc.IndexPlugins

// setup gives an engine with an index.
func setup(t *testing.T) (*testkit.MeilisearchServer, *Engine) {
	t.Helper()
	s := testkit.Meilisearch(t)
	x := open(s, s.Key)
	if err := x.Create(t.Context(), uid); err != nil {
		t.Fatal(err)
	}
	return s, x
}

func doc(id string, revision int64) searchdoc.Document {
	return searchdoc.Document{Mark: searchdoc.Mark{ID: id, Revision: revision, Schema: searchdoc.Schema}, Name: id, Distinct: id}
}

func TestIndexes(t *testing.T) {
	s := testkit.Meilisearch(t)
	x := open(s, s.Key)
	ctx := t.Context()
	inspect := func(uid string, want State) {
		t.Helper()
		if got, err := x.Inspect(ctx, uid); err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", uid, got, err, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	next := searchdoc.Next(uid)
	inspect(uid, State{})
	must(x.Create(ctx, uid))
	must(x.Create(ctx, uid)) // as after a crash in the middle
	must(x.Create(ctx, next))
	must(x.Create(ctx, searchdoc.IndexPacks))
	must(x.Write(ctx, next, []any{doc("a", 1)}, nil))
	inspect(uid, State{Exists: true, Current: true})
	inspect(next, State{Exists: true, Current: true, Documents: 1})
	inspect(searchdoc.IndexPacks, State{Exists: true, Current: true})

	must(x.Swap(ctx, uid, next))
	inspect(uid, State{Exists: true, Current: true, Documents: 1})
	inspect(next, State{Exists: true, Current: true})
	must(x.Drop(ctx, next))
	must(x.Drop(ctx, next))
	inspect(next, State{})
	if err := x.Swap(ctx, uid, next); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("swap with a missing index: %v", err)
	}

	old := doc("old", 1)
	old.Schema = searchdoc.Schema - 1
	must(x.Write(ctx, uid, []any{old}, nil))
	inspect(uid, State{Exists: true, Documents: 2})
	must(x.Write(ctx, uid, nil, []string{"old"}))
	inspect(uid, State{Exists: true, Current: true, Documents: 1})
	must(x.do(ctx, "change settings", func(ctx context.Context) (*meilisearch.TaskInfo, error) {
		return x.client.Index(uid).UpdateSettingsWithContext(ctx, &meilisearch.Settings{SearchableAttributes: []string{"name"}})
	}))
	inspect(uid, State{Exists: true, Documents: 1})
}

func TestAll(t *testing.T) {
	_, x := setup(t)
	want := map[string]int64{}
	var docs []any
	for i := range page + 300 {
		id := fmt.Sprint("p", i)
		want[id] = int64(i%9 + 1)
		docs = append(docs, doc(id, want[id]))
	}
	if err := x.Write(t.Context(), uid, docs, nil); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	if err := x.All(t.Context(), uid, func(id string, revision int64) { got[id] = revision }); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("%d documents were told, want %d", len(got), len(want))
	}
	ids := slices.Collect(maps.Keys(want))
	if got, err := x.Revisions(t.Context(), uid, append(ids, "never")); err != nil || !maps.Equal(got, want) {
		t.Errorf("%d revisions, %v; want %d", len(got), err, len(want))
	}
}

// What an indexer left in the queue when it died is waited for.
func TestSettle(t *testing.T) {
	s, x := setup(t)
	if !s.Controlled() {
		t.Log("a real engine cannot be held")
		return
	}
	release := s.Hold()
	defer release()
	if _, err := x.client.Index(uid).AddDocumentsWithContext(t.Context(), []any{doc("a", 1)}, nil); err != nil {
		t.Fatal(err)
	}
	settled := make(chan error, 1)
	go func() { settled <- open(s, s.Key).Settle(t.Context()) }()
	select {
	case err := <-settled:
		t.Fatalf("did not wait, %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	release()
	if err := <-settled; err != nil {
		t.Fatal(err)
	}
	if got, err := x.Revisions(t.Context(), uid, []string{"a"}); err != nil || got["a"] != 1 {
		t.Errorf("revisions %v, %v", got, err)
	}
}

func TestWrite(t *testing.T) {
	s, x := setup(t)
	ctx := t.Context()
	t.Run("documents are written, replaced and deleted", func(t *testing.T) {
		if err := x.Write(ctx, uid, []any{doc("a", 1), doc("b", 1)}, nil); err != nil {
			t.Fatal(err)
		}
		if err := x.Write(ctx, uid, []any{doc("a", 2)}, []string{"b", "never"}); err != nil {
			t.Fatal(err)
		}
		got, err := x.Revisions(ctx, uid, []string{"a", "b", "never"})
		if err != nil || len(got) != 1 || got["a"] != 2 {
			t.Errorf("revisions %v, %v", got, err)
		}
	})
	t.Run("more than one request may hold goes in several", func(t *testing.T) {
		big := make([]any, 5)
		for i := range big {
			d := doc(fmt.Sprintf("big%d", i), 1)
			d.Description = strings.Repeat("x", maxPayload/3)
			big[i] = d
		}
		payload, n, err := cut(big)
		if err != nil || n != 2 || len(payload) != 2 {
			t.Errorf("the first request holds %d of them, %v", n, err)
		}
		if err := x.Write(ctx, uid, big, nil); err != nil {
			t.Fatal(err)
		}
		if docs := s.Documents(t, searchdoc.IndexPlugins); len(docs) != 6 {
			t.Errorf("%d documents, want 6", len(docs))
		}
	})
	t.Run("a document at fault is Invalid", func(t *testing.T) {
		err := x.Write(ctx, uid, []any{doc("not an id", 1)}, nil)
		if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "invalid_document_id") {
			t.Errorf("error %v (%v)", err, errs.KindOf(err))
		}
	})
}

func TestTaskFailures(t *testing.T) {
	for code, kind := range map[string]errs.Kind{
		"no_space_left_on_device": errs.Unavailable,
		"index_not_found":         errs.Unavailable,
		"invalid_document_id":     errs.Invalid,
		"internal":                errs.Internal,
	} {
		t.Run(code, func(t *testing.T) {
			s, x := setup(t)
			s.FailNext(1, "documentAdditionOrUpdate", code)
			if err := x.Write(t.Context(), uid, []any{doc("a", 1)}, nil); errs.KindOf(err) != kind {
				t.Errorf("error %v is %v, want %v", err, errs.KindOf(err), kind)
			}
			if err := x.Write(t.Context(), uid, []any{doc("a", 1)}, nil); err != nil {
				t.Errorf("the next one: %v", err)
			}
		})
	}
}

func TestSlowEngine(t *testing.T) {
	s, x := setup(t)
	release := s.Hold()
	defer release()
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := x.Write(ctx, uid, []any{doc("a", 1)}, nil); errs.KindOf(err) != errs.Unavailable {
			t.Errorf("error %v, want Unavailable", err)
		}
		cancel()
	}
	if n := s.Tasks("documentAdditionOrUpdate"); n != 1 {
		t.Errorf("%d tasks wait in the engine, want 1", n)
	}
	release()
	if err := x.Write(t.Context(), uid, []any{doc("a", 2)}, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := x.Revisions(t.Context(), uid, []string{"a"}); err != nil || got["a"] != 2 {
		t.Errorf("revisions %v, %v", got, err)
	}
}

func TestRequestFailures(t *testing.T) {
	s, _ := setup(t)
	secret := doc("a", 1)
	secret.Description = "a text that is nobody's business"
	s.SetDown(true)
	down := open(s, s.Key)
	for name, x := range map[string]*Engine{
		"wrong key":   open(s, "wrong"),
		"no server":   New("http://127.0.0.1:1", "key", func(string, time.Duration, bool) {}),
		"unavailable": down,
	} {
		s.SetDown(x == down)
		err := x.Write(t.Context(), uid, []any{secret}, nil)
		if errs.KindOf(err) != errs.Unavailable {
			t.Errorf("%s: error %v is %v, want unavailable", name, err, errs.KindOf(err))
		}
		if strings.Contains(err.Error(), "business") {
			t.Errorf("%s: the error shows the payload: %v", name, err)
		}
	}
}
