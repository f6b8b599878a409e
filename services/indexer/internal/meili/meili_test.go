package meili

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/libs/testkit"
)

func nothingMissing(context.Context) error { return nil }

// setup gives an index that is ready.
func setup(t *testing.T) (*testkit.MeilisearchServer, *Index) {
	t.Helper()
	s := testkit.Meilisearch(t)
	x := New(s.URL, s.Key)
	if err := x.Ensure(t.Context(), nothingMissing); err != nil {
		t.Fatal(err)
	}
	return s, x
}

func doc(id string, revision int64) searchdoc.Document {
	return searchdoc.Document{Mark: searchdoc.Mark{ID: id, Revision: revision, Schema: searchdoc.Schema}, Name: id, Distinct: id}
}

func TestEnsure(t *testing.T) {
	s := testkit.Meilisearch(t)
	x := New(s.URL, s.Key)
	missing := 0
	ensure := func() {
		t.Helper()
		err := x.Ensure(t.Context(), func(context.Context) error { missing++; return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	tasks := func() int64 {
		t.Helper()
		all, err := x.client.GetTasksWithContext(t.Context(), &meilisearch.TasksQuery{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return all.Total
	}
	ensure()
	if missing != 1 {
		t.Errorf("a missing index was told %d times", missing)
	}
	have, err := x.index.GetSettingsWithContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, err := translate(searchdoc.PluginSettings())
	if err != nil || !sameSettings(*want, *have) {
		t.Errorf("settings = %+v, %v", have, err)
	}
	before := tasks()
	ensure()
	if after := tasks(); after != before || missing != 1 {
		t.Errorf("a second call made %d tasks and told %d times of a missing index", after-before, missing)
	}
	info, err := x.index.UpdateSettingsWithContext(t.Context(), &meilisearch.Settings{SearchableAttributes: []string{"name"}})
	if err := x.finish(t.Context(), "change settings", info, err); err != nil {
		t.Fatal(err)
	}
	ensure()
	if have, err := x.index.GetSettingsWithContext(t.Context()); err != nil || !sameSettings(*want, *have) {
		t.Errorf("changed settings were not brought back: %+v, %v", have, err)
	}
}

func TestWrite(t *testing.T) {
	s, x := setup(t)
	ctx := t.Context()
	t.Run("documents are written, replaced and deleted", func(t *testing.T) {
		if err := x.Write(ctx, []searchdoc.Document{doc("a", 1), doc("b", 1)}, nil); err != nil {
			t.Fatal(err)
		}
		if err := x.Write(ctx, []searchdoc.Document{doc("a", 2)}, []string{"b", "never"}); err != nil {
			t.Fatal(err)
		}
		got, err := x.Revisions(ctx, []string{"a", "b", "never"})
		if err != nil || len(got) != 1 || got["a"] != 2 {
			t.Errorf("revisions %v, %v", got, err)
		}
	})
	t.Run("more than one request may hold goes in several", func(t *testing.T) {
		big := make([]searchdoc.Document, 5)
		for i := range big {
			big[i] = doc(fmt.Sprintf("big%d", i), 1)
			big[i].Description = strings.Repeat("x", maxPayload/3)
		}
		payload, n, err := cut(big)
		if err != nil || n != 2 || len(payload) != 2 {
			t.Errorf("the first request holds %d of them, %v", n, err)
		}
		if err := x.Write(ctx, big, nil); err != nil {
			t.Fatal(err)
		}
		if docs := s.Documents(t, searchdoc.IndexPlugins); len(docs) != 6 {
			t.Errorf("%d documents, want 6", len(docs))
		}
	})
	t.Run("a document at fault is Invalid", func(t *testing.T) {
		err := x.Write(ctx, []searchdoc.Document{doc("not an id", 1)}, nil)
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
			if err := x.Write(t.Context(), []searchdoc.Document{doc("a", 1)}, nil); errs.KindOf(err) != kind {
				t.Errorf("error %v is %v, want %v", err, errs.KindOf(err), kind)
			}
			if err := x.Write(t.Context(), []searchdoc.Document{doc("a", 1)}, nil); err != nil {
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
		if err := x.Write(ctx, []searchdoc.Document{doc("a", 1)}, nil); errs.KindOf(err) != errs.Unavailable {
			t.Errorf("error %v, want Unavailable", err)
		}
		cancel()
	}
	if n := s.Tasks("documentAdditionOrUpdate"); n != 1 {
		t.Errorf("%d tasks wait in the engine, want 1", n)
	}
	release()
	if err := x.Write(t.Context(), []searchdoc.Document{doc("a", 2)}, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := x.Revisions(t.Context(), []string{"a"}); err != nil || got["a"] != 2 {
		t.Errorf("revisions %v, %v", got, err)
	}
}

func TestRequestFailures(t *testing.T) {
	s, _ := setup(t)
	secret := doc("a", 1)
	secret.Description = "a text that is nobody's business"
	s.SetDown(true)
	down := New(s.URL, s.Key)
	for name, x := range map[string]*Index{
		"wrong key":   New(s.URL, "wrong"),
		"no server":   New("http://127.0.0.1:1", "key"),
		"unavailable": down,
	} {
		s.SetDown(x == down)
		err := x.Write(t.Context(), []searchdoc.Document{secret}, nil)
		if errs.KindOf(err) != errs.Unavailable {
			t.Errorf("%s: error %v is %v, want unavailable", name, err, errs.KindOf(err))
		}
		if strings.Contains(err.Error(), "business") {
			t.Errorf("%s: the error shows the payload: %v", name, err)
		}
	}
}
