// Package origin keeps the files of plugins that are outside of their
// marketplaces, so that each is fetched once a commit, however many marketplaces
// list it and however many scrapers run.
//
// A fetched folder becomes a snapshot in a JetStream stream of bounded size,
// under the origin and its commit; what an origin that is not pinned was when it
// was last asked is in a bucket. Who fetches holds a lease on the origin, and
// whoever waits for it finds the snapshot afterwards. Where an origin cannot be
// reached, its last snapshot still speaks for it.
package origin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/fetch"
)

// goneFor is how long nobody asks again for what was not there.
const goneFor = 24 * time.Hour

// Fetcher gets the files of an origin; internal/fetch does.
type Fetcher interface {
	Scope(o marketplace.Origin, from plugpack.MarketplaceKey) string
	Fetch(ctx context.Context, o marketplace.Origin, from plugpack.MarketplaceKey, known fetch.Known, within []string) (fetch.Fetched, error)
}

// Config is what a keeper works with.
type Config struct {
	Fetch Fetcher
	// Store is nil for a visit that nobody comes after.
	Store *Store
	// Alone runs f while nobody else does so under the same name; libs/bus does.
	Alone func(ctx context.Context, name string, f func(ctx context.Context) error) error
	Temp  *archive.Temp
	Log   *slog.Logger
	Now   func() time.Time
	// Fresh is for how long an origin that was asked is not asked again.
	Fresh time.Duration
	// Excluded says whose repositories are not read, because their owners asked
	// for that; nil for nobody's.
	Excluded func(k plugpack.MarketplaceKey) bool
}

// Keeper keeps snapshots. It is safe for concurrent use.
type Keeper struct{ Config }

// New makes a keeper.
func New(c Config) *Keeper { return &Keeper{c} }

// wish is what one marketplace wants of one repository, package or archive.
type wish struct {
	repo  marketplace.Origin
	paths []string // its folders, "" for all of it
	from  plugpack.MarketplaceKey
	scope string
	fresh time.Duration
}

// answer is what came of it.
type answer struct {
	commit string
	// err is set when there is nothing to read, and late when what there is may
	// be old, since the origin cannot be asked now.
	err, late error
	// files are the snapshots that the store does not take, by folder.
	files map[string]*os.File
}

func (a answer) close() {
	for _, f := range a.files {
		_ = remove(f)
	}
}

// grant gives what the wish is for, from the store if it is there.
func (k *Keeper) grant(ctx context.Context, w wish) answer {
	if at := plugpack.MarketplaceKey(w.repo.Key()); k.Excluded != nil && k.Excluded(at) {
		return answer{err: errs.New(errs.Forbidden, "its owner asked not to be listed")}
	}
	a, known, err := k.look(ctx, w)
	if err != nil {
		return answer{err: err}
	}
	if known {
		return a
	}
	err = k.Alone(ctx, "origin."+w.id(""), func(ctx context.Context) error {
		// Who held the lease before may have fetched it.
		if a, known, err = k.look(ctx, w); err == nil && !known {
			a, err = k.fetch(ctx, w)
		}
		return err
	})
	if err != nil {
		return answer{err: err}
	}
	return a
}

// look answers from the store, without a question to the origin.
func (k *Keeper) look(ctx context.Context, w wish) (a answer, known bool, err error) {
	m, err := k.Store.remembered(ctx, w.id(""))
	if err != nil {
		return a, false, err
	}
	age := k.Now().Sub(m.At)
	switch {
	case m.Reason != "" && age < goneFor && w.fresh > 0:
		return answer{err: m.err()}, true, nil
	case m.Commit == "" || age >= w.fresh && !w.repo.Pinned():
		return a, false, nil
	}
	all, err := k.hasAll(ctx, w, m.Commit)
	return answer{commit: m.Commit}, all, err
}

func (k *Keeper) hasAll(ctx context.Context, w wish, commit string) (bool, error) {
	for _, p := range w.paths {
		if ok, err := k.Store.has(ctx, w.snapshot(commit, p)); err != nil || !ok {
			return false, err
		}
	}
	return commit != "", nil
}

// fetch asks the origin and keeps what it gives.
func (k *Keeper) fetch(ctx context.Context, w wish) (answer, error) {
	m, err := k.Store.remembered(ctx, w.id(""))
	if err != nil {
		return answer{}, err
	}
	known := fetch.Known{}
	kept, err := k.hasAll(ctx, w, m.Commit)
	if err != nil {
		return answer{}, err
	}
	if kept {
		known = fetch.Known{Commit: m.Commit, ETag: m.ETag}
	}
	within := w.paths
	if slices.Contains(within, "") {
		within = nil
	}
	got, err := k.Fetch.Fetch(ctx, w.repo, w.from, known, within)
	if err != nil {
		return k.failed(ctx, w, known, err)
	}
	a := answer{commit: got.Commit}
	if got.Dir != nil {
		defer got.Dir.Close()
		if a.files, err = k.keep(ctx, w, got); err != nil {
			return answer{}, err
		}
	}
	return a, k.Store.remember(ctx, w.id(""), memory{Commit: got.Commit, ETag: got.ETag, At: k.Now().UTC()})
}

// failed remembers what cannot be mended by asking again soon. For all else an
// earlier snapshot is better than none.
func (k *Keeper) failed(ctx context.Context, w wish, known fetch.Known, err error) (answer, error) {
	switch kind := errs.KindOf(err); kind {
	case errs.NotFound, errs.Invalid, errs.Forbidden:
		m := memory{At: k.Now().UTC(), Kind: kind, Reason: plugpack.Cut(errs.Detail(err), plugpack.MaxShort)}
		return answer{err: err}, k.Store.remember(ctx, w.id(""), m)
	case errs.Internal:
		if ctx.Err() == nil {
			k.Log.Error("an origin cannot be read", "origin", w.repo.Key(), "marketplace", w.from, "err", err)
			err = errs.New(errs.Unavailable, "its files cannot be read because of an internal error")
		}
	}
	if known.Commit != "" && ctx.Err() == nil {
		return answer{commit: known.Commit, late: err}, nil
	}
	return answer{err: err}, nil
}

// keep makes a snapshot of each folder. Those that the store does not take are
// given back.
func (k *Keeper) keep(ctx context.Context, w wish, got fetch.Fetched) (large map[string]*os.File, err error) {
	large = map[string]*os.File{}
	defer func() {
		if err != nil {
			answer{files: large}.close()
		}
	}()
	tree, err := got.Dir.Tree(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range w.paths {
		file, err := snapshot(k.Temp, got.Dir, tree, p, got.Commit)
		if err != nil {
			return large, err
		}
		info, err := file.Stat()
		if err == nil && (k.Store == nil || info.Size() > maxSnapshot) {
			large[p] = file
			continue
		}
		if err == nil {
			err = k.Store.put(ctx, w.snapshot(got.Commit, p), file)
		}
		if err := errors.Join(err, remove(file)); err != nil {
			return large, err
		}
	}
	return large, nil
}

// open gives the files of one folder.
func (k *Keeper) open(ctx context.Context, w wish, a answer, folder string) (marketplace.Files, error) {
	if f := a.files[folder]; f != nil {
		if _, err := f.Seek(0, 0); err != nil {
			return marketplace.Files{}, err
		}
		return open(ctx, k.Temp, f)
	}
	file, err := k.Temp.File()
	if err != nil {
		return marketplace.Files{}, err
	}
	defer func() { _ = remove(file) }()
	ok, err := k.Store.get(ctx, w.snapshot(a.commit, folder), file)
	if err != nil {
		return marketplace.Files{}, err
	}
	if !ok {
		return marketplace.Files{}, errs.New(errs.Unavailable, "its files were dropped to make room for others")
	}
	if _, err := file.Seek(0, 0); err != nil {
		return marketplace.Files{}, err
	}
	files, err := open(ctx, k.Temp, file)
	if errs.KindOf(err) == errs.NotFound {
		err = errs.New(errs.NotFound, "the repository has no folder %s", plugpack.Cut(plugpack.Clean(folder), 200))
	}
	return files, err
}

// id names the repository, and with a commit and a folder a snapshot of it, for
// the marketplaces that may see it.
func (w wish) id(more string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", w.scope, w.repo, more))
	return hex.EncodeToString(sum[:16])
}

// snapshot names one by what is in it: a branch and a commit of the same
// repository share it.
func (w wish) snapshot(commit, folder string) string {
	w.repo.Ref, w.repo.SHA, w.repo.Version, w.repo.SHA256 = "", "", "", ""
	return w.id(fmt.Sprintf("%q %q", commit, folder))
}
