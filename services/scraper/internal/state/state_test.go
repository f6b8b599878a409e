package state

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
)

const key = plugpack.MarketplaceKey("github.com/acme/tools")

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), testkit.Bus(t).JetStream())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, s *Store, k plugpack.MarketplaceKey) State {
	t.Helper()
	st, err := s.Get(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestStore(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := get(t, s, key)
	if diff := cmp.Diff(State{Key: key}, first, cmpopts.IgnoreUnexported(State{})); diff != "" {
		t.Fatal(diff)
	}
	other := get(t, s, key)
	first.RepoETag, first.NextAt = `W/"1"`, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	first.Listing, first.Digests = &plugpack.Listing{Names: []string{"a", "b"}}, []string{"1", "2"}
	if err := s.Put(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	got := get(t, s, key)
	if diff := cmp.Diff(first, got, cmpopts.IgnoreUnexported(State{})); diff != "" {
		t.Error(diff)
	}
	if err := s.Put(t.Context(), other); !errors.Is(err, ErrNewer) {
		t.Errorf("a second first state: %v", err)
	}
	if err := s.Put(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), got); !errors.Is(err, ErrNewer) {
		t.Errorf("an old state: %v", err)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	st := State{RepoETag: "e", HeadETag: "h", Commit: "c", Listing: &plugpack.Listing{Names: []string{"a", "b"}}, Digests: []string{"1", "2"}}
	st.Forget([]string{"b", "z"})
	if diff := cmp.Diff(map[string]string{"a": "1", "b": ""}, st.Published()); diff != "" || st.RepoETag+st.HeadETag+st.Commit != "" {
		t.Errorf("%s %+v", diff, st)
	}
}

func TestLargeStates(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, n := range []int{1000, plugpack.MaxEntries} {
		st := get(t, s, key)
		st.Commit, st.NextAt, st.Listing = "c", time.Unix(9, 0).UTC(), &plugpack.Listing{}
		for i := range n {
			b := make([]byte, 64)
			_, _ = rand.Read(b)
			st.Listing.Names = append(st.Listing.Names, fmt.Sprintf("%d-%s", i, base64.RawURLEncoding.EncodeToString(b)))
			st.Digests = append(st.Digests, base64.RawURLEncoding.EncodeToString(b[:16]))
		}
		if err := s.Put(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		got := get(t, s, key)
		if whole := got.Commit != ""; whole != (n == 1000) || got.NextAt != st.NextAt || whole && len(got.Published()) != n {
			t.Errorf("%d names: got commit %q, %d digests", n, got.Commit, len(got.Digests))
		}
	}
}

func TestDamagedStateIsReplaced(t *testing.T) {
	t.Parallel()
	s := open(t)
	if _, err := s.kv.Put(t.Context(), events.Token(string(key)), []byte("\x1f\x8bnonsense")); err != nil {
		t.Fatal(err)
	}
	st := get(t, s, key)
	if st.Key != key || st.Commit != "" {
		t.Errorf("got %+v", st)
	}
	if err := s.Put(t.Context(), st); err != nil {
		t.Fatal(err)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := s.Put(t.Context(), State{Key: key}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan plugpack.MarketplaceKey, 10)
	ended := make(chan error)
	go func() { ended <- s.Watch(ctx, func(st State) { seen <- st.Key }) }()
	for _, want := range []plugpack.MarketplaceKey{key, ""} {
		if got := <-seen; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if err := s.Put(t.Context(), State{Key: "local/a/b"}); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "local/a/b" {
		t.Errorf("got %q", got)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}
