package scan

import (
	"net/http"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
)

// later moves the clock on.
func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// A marketplace that did not change is read again when a plugin outside of it
// did, and costs nothing more when none did.
func TestOriginsMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("else/where", "commands/a.md", "A")
	first := w.scan(request(key))
	if f := first.facts["remote"]; f.State != plugpack.StateRead || len(f.Components) != 1 || f.Commit != w.github.Commit("else/where") || f.Digest == "" {
		t.Fatalf("remote %+v", f)
	}
	if st := w.state(key); len(st.Origins) != 1 || st.Origins[0].Again || st.Origins[0].As != w.github.Commit("else/where") {
		t.Errorf("origins %+v", st.Origins)
	}
	w.later(2 * time.Hour)
	if got := w.scan(request(key)); len(got.updated) != 0 || got.last.Step != "unchanged" || len(got.requests) != 1 {
		t.Errorf("nothing moved, and %+v", got)
	}
	w.github.Write("else/where", "commands/b.md", "B")
	w.later(2 * time.Hour)
	got := w.scan(request(key))
	if f := got.facts["remote"]; len(got.updated) != 1 || len(f.Components) != 2 || len(got.requests) > 3 {
		t.Errorf("it moved, and %+v", got)
	}
}

// A plugin whose host is away is looked at again soon, and what was known of it
// stays meanwhile.
func TestAnOriginThatIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("else/where", "commands/a.md", "A")
	w.github.Fault(testkit.GitHubFault{Path: "^/codeload/else/where", Status: http.StatusBadGateway})
	got := w.scan(request(key))
	if f := got.facts["remote"]; f.State != plugpack.StateNotReadYet || f.StateReason == "" || len(got.updated) != 3 {
		t.Fatalf("got %+v", got)
	}
	st := w.state(key)
	if wait := st.NextAt.Sub(st.ObservedAt); wait > 6*time.Minute || st.Retries != 1 {
		t.Errorf("the next scan is in %v, %+v", wait, st)
	}
	if got := w.scan(request(key)); got.last.Step != "unchanged" || w.state(key).Retries != 2 {
		t.Errorf("still away, and %+v", got)
	}
	w.github.ClearFaults()
	if got := w.scan(request(key)); len(got.updated) != 1 || got.facts["remote"].State != plugpack.StateRead {
		t.Errorf("back again, and %+v", got)
	}
	if st := w.state(key); st.Retries != 0 || st.NextAt.Sub(st.ObservedAt) < 50*time.Minute {
		t.Errorf("state %+v", st)
	}
	w.later(2 * time.Hour)
	w.github.Fault(testkit.GitHubFault{Path: "^/codeload/else/where", Status: http.StatusBadGateway})
	w.github.Write(repo, "README.md", "Changed.")
	if got := w.scan(request(key)); len(got.updated) != 0 || w.state(key).Retries != 1 {
		t.Errorf("away once more, and %+v", got)
	}
}
