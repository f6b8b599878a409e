package scan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// outs takes the opt-outs that were published out of what is to be taken.
func (w *world) outs() (names []string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := w.published[:0]
	for _, m := range w.published {
		o, err := events.Decode[plugpack.OptOut](m.Data, events.TypeRepositoryOptedOut)
		if err != nil {
			rest = append(rest, m)
			continue
		}
		if o.HostID == 0 || o.Host != "github.com" || o.Reason == "" {
			w.t.Errorf("opt-out %+v", o)
		}
		names = append(names, o.Name)
	}
	w.published = rest
	return names
}

func TestOptOutByTheRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scan(request(key))
	w.github.Write(repo, OptOutFile, "")
	if err := w.scanner.Scan(t.Context(), request(key), 1); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{string(key)}, w.outs()); diff != "" {
		t.Error(diff)
	}
	got, st := w.take(), w.state(key)
	if got.listing != nil || got.failure != nil || len(got.updated) != 0 || got.last.Step != "failed" || !st.OptedOut || st.Listing != nil || st.HostID == 0 {
		t.Errorf("got %+v, state %+v", got, st)
	}
}

func TestOptedOutRepositoryUnderANewName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scan(request(key))
	id := w.state(key).Listing.Repository.HostID
	w.scanner.Excluded = func(_ plugpack.MarketplaceKey, n int64) bool { return n == id }
	w.github.Rename(repo, "Acme/New")
	if err := w.scanner.Scan(t.Context(), request("github.com/acme/new"), 1); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"github.com/acme/new"}, w.outs()); diff != "" {
		t.Error(diff)
	}
	if got := w.take(); got.listing != nil || got.failure != nil || got.last.Step != "failed" || len(got.requests) != 1 {
		t.Errorf("got %+v", got)
	}
}

// Only a repository that cannot be found, time and again, is gone.
func TestGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scan(request(key))
	day := func() *plugpack.Failure {
		t.Helper()
		w.mu.Lock()
		w.now = w.now.Add(24 * time.Hour)
		w.mu.Unlock()
		return w.scan(request(key)).failure
	}
	w.github.Delete(repo, 404)
	for n := range 10 {
		if f := day(); f == nil || f.Gone {
			t.Fatalf("day %d: %+v", n, f)
		}
	}
	w.github.Delete(repo, 403) // it is there, and closed
	if f := day(); f == nil || f.Gone || !w.state(key).GoneSince.IsZero() {
		t.Errorf("closed: %+v", f)
	}
	w.github.Delete(repo, 451)
	for n := range 14 {
		if f := day(); f == nil || f.Gone {
			t.Fatalf("day %d again: %+v", n, f)
		}
	}
	if f := day(); f == nil || !f.Gone {
		t.Errorf("in the end: %+v", f)
	}
	// The stream keeps one failure, which must not forget what an earlier one said.
	w.github.Delete(repo, 403)
	if f := day(); f == nil || !f.Gone {
		t.Errorf("closed after it was gone: %+v", f)
	}
	w.github.Delete(repo, 0)
	w.mu.Lock()
	w.now = w.now.Add(24 * time.Hour)
	w.mu.Unlock()
	if got := w.scan(request(key)); got.listing == nil || len(got.updated) != len(got.listing.Names) || !w.state(key).GoneSince.IsZero() {
		t.Errorf("back again: %+v", got)
	}
}

// The schedule asks for a renamed repository under its new name, so that it
// costs no more than any other; who asks by name means who has it now.
func TestRenamedIsAskedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scan(request(key))
	w.github.Rename(repo, "Acme/New")
	w.scan(request(key))
	scheduled := func() seen {
		r := request(key)
		r.After = w.state(key).LastRequest()
		return w.scan(r)
	}
	if diff := cmp.Diff([]string{"/repos/acme/new 304*"}, scheduled().requests); diff != "" {
		t.Error(diff)
	}
	w.github.Write(repo, "README.md", "another repository")
	if got := w.scan(request(key)); got.failure == nil {
		t.Errorf("asked by name: %+v", got)
	}
}
