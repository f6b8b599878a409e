package origin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/fetch"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
)

const from = plugpack.MarketplaceKey("github.com/acme/tools")

type world struct {
	t      *testing.T
	bus    *bus.Bus
	github *testkit.GitHubServer
	mu     sync.Mutex
	now    time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	empty := filepath.Join(t.TempDir(), "empty.txtar")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return &world{t: t, bus: testkit.Bus(t), github: testkit.GitHub(t, empty), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// keeper makes one as another process would have it.
func (w *world) keeper() *Keeper {
	w.t.Helper()
	clients, err := github.NewClients(github.Options{BaseURL: w.github.URL}, nil, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	temp, err := archive.OpenTemp(w.t.TempDir())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = temp.Close() })
	store, err := OpenStore(w.t.Context(), w.bus.JetStream())
	if err != nil {
		w.t.Fatal(err)
	}
	return New(Config{Fetch: fetch.New(clients, temp, testkit.Log(w.t), w.clock), Store: store, Alone: w.bus.Alone, Temp: temp, Log: testkit.Log(w.t), Now: w.clock, Fresh: time.Hour})
}

// downloads counts those that were answered whole, and others.
func (w *world) downloads() (whole, other int) {
	for _, r := range w.github.Requests() {
		if r.Status == http.StatusOK {
			whole++
		} else {
			other++
		}
	}
	return whole, other
}

func origin(repo, path, sha string) marketplace.Origin {
	return marketplace.Origin{Kind: plugpack.SourceURL, Address: "https://github.com/" + repo, Path: path, SHA: sha}
}

// read gives what is in an origin's file f.
func read(t *testing.T, v *Visit, o marketplace.Origin) (string, string, error) {
	t.Helper()
	files, err := v.Open(o)
	if err != nil {
		return "", "", err
	}
	defer files.Close()
	b, err := fs.ReadFile(files.FS, "f")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := marketplace.ReadTree(t.Context(), files.FS)
	if err != nil || tree.Digest(".") != files.Tree.Digest(".") {
		t.Errorf("the tree is not that of the files: %+v, %+v, %v", tree, files.Tree, err)
	}
	return string(b), files.Commit, nil
}

func TestOnceACommitHoweverManyListIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("x/y", "a/f", "A")
	w.github.Write("x/y", "b/f", "B")
	first := w.github.Commit("x/y")
	list := []marketplace.Origin{origin("x/y", "a", ""), origin("x/y", "b", "")}
	g, ctx := errgroup.WithContext(t.Context())
	for i := range 6 { // scrapers, with a marketplace each
		k := w.keeper()
		g.Go(func() error {
			v := k.Visit(ctx, plugpack.MarketplaceKey(fmt.Sprintf("github.com/acme/m%d", i)), list, true)
			defer v.Close()
			for _, o := range list {
				text, commit, err := read(t, v, o)
				if err != nil || text != strings.ToUpper(o.Path) || commit != first {
					return fmt.Errorf("got %q at %s: %w", text, commit, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if whole, other := w.downloads(); whole != 1 || other != 0 {
		t.Errorf("%d downloads and %d other questions", whole, other)
	}

	k := w.keeper()
	again := func(o marketplace.Origin) (string, string) {
		v := k.Visit(t.Context(), from, []marketplace.Origin{o}, true)
		defer v.Close()
		text, commit, err := read(t, v, o)
		if err != nil {
			t.Fatal(err)
		}
		return text, commit
	}
	t.Run("an old answer costs one conditional question", func(t *testing.T) {
		w.later(2 * time.Hour)
		again(list[0])
		if whole, other := w.downloads(); whole != 0 || other != 1 {
			t.Errorf("%d downloads and %d other questions", whole, other)
		}
	})
	t.Run("a new commit is fetched", func(t *testing.T) {
		w.later(2 * time.Hour)
		w.github.Write("x/y", "a/f", "A2")
		if text, commit := again(list[0]); text != "A2" || commit == first {
			t.Errorf("got %q at %s", text, commit)
		}
	})
	t.Run("a commit that is named is never asked for again", func(t *testing.T) {
		w.downloads()
		o := origin("x/y", "a", first)
		for range 3 {
			if text, _ := again(o); text != "A" {
				t.Errorf("got %q", text)
			}
			w.later(1000 * time.Hour)
		}
		if whole, other := w.downloads(); whole > 1 || other != 0 {
			t.Errorf("%d downloads and %d other questions", whole, other)
		}
	})
}

func TestWhatIsGoneIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("x/y", "f", "F")
	k := w.keeper()
	gone := origin("no/where", "", "")
	ask := func(o marketplace.Origin, fresh bool) error {
		v := k.Visit(t.Context(), from, []marketplace.Origin{o}, fresh)
		defer v.Close()
		_, _, err := read(t, v, o)
		return err
	}
	for range 3 {
		if err := ask(gone, true); errs.KindOf(err) != errs.NotFound || !strings.Contains(err.Error(), "no/where") {
			t.Errorf("got %v", err)
		}
	}
	if _, other := w.downloads(); other != 1 {
		t.Errorf("asked %d times", other)
	}
	w.github.Write("no/where", "f", "N")
	if err := ask(gone, false); err != nil {
		t.Errorf("whoever wants it anew got %v", err)
	}
	if err := ask(origin("x/y", "no/folder", ""), true); errs.KindOf(err) != errs.NotFound || !strings.Contains(err.Error(), "no folder no/folder") {
		t.Errorf("got %v", err)
	}
}

func TestAnOriginThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("x/y", "f", "F")
	first := w.github.Commit("x/y")
	k := w.keeper()
	o := origin("x/y", "", "")
	visit := func() (string, []Seen, error) {
		v := k.Visit(t.Context(), from, []marketplace.Origin{o}, true)
		defer v.Close()
		text, _, err := read(t, v, o)
		return text, v.Seen(), err
	}
	w.github.Fault(testkit.GitHubFault{Path: "^/codeload/", Status: 500})
	if _, seen, err := visit(); errs.KindOf(err) != errs.Unavailable || len(seen) != 1 || !seen[0].Again {
		t.Errorf("got %v, %+v", err, seen)
	}
	w.github.ClearFaults()
	text, before, err := visit()
	if text != "F" || err != nil || len(before) != 1 || before[0].Again || before[0].As != first {
		t.Fatalf("got %q, %v, %+v", text, err, before)
	}
	t.Run("its last snapshot speaks for it", func(t *testing.T) {
		w.later(2 * time.Hour)
		w.github.Fault(testkit.GitHubFault{Path: "^/codeload/", Status: 500})
		text, seen, err := visit()
		if text != "F" || err != nil || len(seen) != 1 || !seen[0].Again {
			t.Errorf("got %q, %v, %+v", text, err, seen)
		}
		if moved, next := k.Moved(t.Context(), from, before); moved {
			t.Error("what cannot be asked has moved")
		} else if len(next) != 1 || next[0].As != first || !next[0].Again {
			t.Errorf("next time %+v", next)
		}
	})
	t.Run("it moves", func(t *testing.T) {
		w.github.ClearFaults()
		w.later(2 * time.Hour)
		if moved, next := k.Moved(t.Context(), from, before); moved || len(next) != 1 || next[0].Again {
			t.Errorf("what is the same has moved: %t, %+v", moved, next)
		}
		w.github.Write("x/y", "f", "F2")
		w.later(2 * time.Hour)
		if moved, _ := k.Moved(t.Context(), from, before); !moved {
			t.Error("what changed has not moved")
		}
		w.later(2 * time.Hour)
		w.github.Delete("x/y", 404)
		if moved, _ := k.Moved(t.Context(), from, before); !moved {
			t.Error("what is gone has not moved")
		}
	})
}

func TestAnOwnerWhoOptedOutIsNotAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("x/y", "f", "F")
	k := w.keeper()
	k.Excluded = func(k plugpack.MarketplaceKey) bool { return k == "github.com/x/y" }
	v := k.Visit(t.Context(), from, []marketplace.Origin{origin("x/y", "", "")}, true)
	defer v.Close()
	if _, err := v.Open(origin("x/y", "", "")); errs.KindOf(err) != errs.Forbidden || len(w.github.Requests()) != 0 {
		t.Errorf("got %v", err)
	}
}

// A slow host delays its own origins only.
func TestASlowHostBlocksNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("x/y", "f", "F")
	k := w.keeper()
	slow := make(chan struct{})
	k.Fetch = slowHost{k.Fetch, slow}
	list := []marketplace.Origin{origin("x/y", "", "")}
	for i := range 40 {
		list = append([]marketplace.Origin{{Kind: plugpack.SourceURL, Address: fmt.Sprintf("https://slow.example/a/%d", i)}}, list...)
	}
	v := k.Visit(t.Context(), from, list, true)
	if text, _, err := read(t, v, list[len(list)-1]); text != "F" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	close(slow)
	if _, _, err := read(t, v, list[0]); errs.KindOf(err) != errs.NotFound {
		t.Errorf("got %v", err)
	}
	v.Close()
}

type slowHost struct {
	Fetcher
	wait chan struct{}
}

func (s slowHost) Fetch(ctx context.Context, o marketplace.Origin, k plugpack.MarketplaceKey, known fetch.Known, within []string) (fetch.Fetched, error) {
	if !strings.Contains(o.Address, "slow.example") {
		return s.Fetcher.Fetch(ctx, o, k, known, within)
	}
	select {
	case <-s.wait:
	case <-ctx.Done():
	}
	return fetch.Fetched{}, errs.New(errs.NotFound, "nothing there")
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keeper()
	writer, err := k.Temp.NewWriter(archive.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("0123456789abcdef"), 5<<20/16)
	for name, b := range map[string][]byte{"p/f": []byte("F"), "p/large.bin": large, "other": []byte("O")} {
		if err := writer.File(name, name == "p/f", int64(len(b)), bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
	}
	err = errors.Join(writer.Link("p/in", "f"), writer.Link("p/out", "../../../etc/passwd"), writer.Submodule("p/sub", strings.Repeat("a", 40)))
	if err != nil {
		t.Fatal(err)
	}
	dir := writer.Done()
	defer dir.Close()
	tree, err := dir.Tree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file, err := snapshot(k.Temp, dir, tree, "p", "c1")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	files, err := open(t.Context(), k.Temp, file)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if files.Commit != "c1" || files.Tree.Digest(".") != tree.Digest("p") {
		t.Errorf("got %+v of %+v", files.Tree, tree)
	}
	var names []string
	for _, e := range files.Tree {
		names = append(names, e.Path+" "+e.Mode)
	}
	if want := []string{"f 100755", "in 120000", "large.bin 100644", "out 120000", "sub 160000"}; !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
	if b, err := fs.ReadFile(files.FS, "in"); string(b) != "F" || err != nil {
		t.Errorf("a link gave %q, %v", b, err)
	}
	if info, err := fs.Stat(files.FS, "large.bin"); err != nil || info.Size() != int64(len(large)) {
		t.Errorf("a file without content is %v, %v", info, err)
	}
	if _, err := fs.ReadFile(files.FS, "large.bin"); !errors.Is(err, errHole) {
		t.Errorf("its content gave %v", err)
	}
}

func TestASnapshotWithoutItsFirstPartIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.keeper().Store
	b := bytes.Repeat([]byte("x"), 3*chunk+5)
	if err := s.put(t.Context(), "k", bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if ok, err := s.get(t.Context(), "k", &got); !ok || err != nil || !bytes.Equal(got.Bytes(), b) {
		t.Fatalf("got %d bytes, %v, %v", got.Len(), ok, err)
	}
	if ok, err := s.has(t.Context(), "k"); !ok || err != nil {
		t.Fatalf("got %v, %v", ok, err)
	}
	if err := s.stream.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.has(t.Context(), "k"); ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	if ok, err := s.get(t.Context(), "k", &got); ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
}
