// Package scan makes one pass over one marketplace: it asks whether anything
// changed, reads what did, and publishes the listing and then one observation a
// changed plugin.
//
// The listing comes first, because a rename in it has to move a plugin's row
// before the plugin's new name arrives. The state is written last: a crash
// anywhere repeats the scan, and everything it publishes may come twice.
package scan

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/origin"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

// MaxAttempts is after how many tries that met a temporary error a scan is given
// up until the schedule's next. What it waits for a limit is no try.
const MaxAttempts = 5

// Source tells of the repositories of one kind: those of a host, or folders.
type Source interface {
	// Repository gives what is known of the repository, and unchanged when
	// etag, of an earlier answer, still holds.
	Repository(ctx context.Context, k plugpack.MarketplaceKey, etag string) (r Repository, unchanged bool, err error)
	// Head gives the newest commit, or "" when etag still holds.
	Head(ctx context.Context, r Repository, etag string) (commit, newETag string, err error)
	// Release gives the newest release, and unchanged when etag still holds.
	Release(ctx context.Context, r Repository, etag string) (newest Release, unchanged bool, err error)
	// Open gives the files at commit.
	Open(ctx context.Context, r Repository, commit string) (Files, error)
}

// Repository is what a source knows of a repository.
type Repository struct {
	plugpack.Repository
	Key  plugpack.MarketplaceKey // as it is called now
	ETag string
	// CountedArchive says that Open costs a counted request.
	CountedArchive bool

	tree marketplace.Tree // of a folder
}

// Release is a repository's newest release; none has no tag.
type Release struct {
	Tag  string
	At   time.Time
	ETag string
}

// Files is a repository at one commit.
type Files interface {
	FS() fs.FS
	Tree(ctx context.Context) (marketplace.Tree, error)
	Close() error
}

// Bus is what a scan publishes to.
type Bus interface {
	Publish(ctx context.Context, m events.Message) error
	Tell(subject string, data []byte)
}

// Store is what a scan remembers.
type Store interface {
	Get(ctx context.Context, k plugpack.MarketplaceKey) (state.State, error)
	Put(ctx context.Context, st state.State) error
}

// Origins gives the files of plugins that are outside of their marketplace.
type Origins interface {
	Visit(ctx context.Context, from plugpack.MarketplaceKey, origins []marketplace.Origin, fresh bool) *origin.Visit
	Moved(ctx context.Context, from plugpack.MarketplaceKey, before []origin.Seen) (moved bool, next []origin.Seen)
}

// Config is what a scanner needs.
type Config struct {
	GitHub, Folders Source
	Origins         Origins
	Bus             Bus
	Store           Store
	Log             *slog.Logger
	Now             func() time.Time
	Interval        time.Duration // from one scan of a marketplace to the next
	// Excluded says that a repository is not to be read, whatever it is called
	// now; id is its host's number for it. Nil leaves nothing out.
	Excluded func(k plugpack.MarketplaceKey, id int64) bool
}

// Scanner scans marketplaces. It is safe for concurrent use.
type Scanner struct {
	Config
	tries tries
}

// New makes a scanner.
func New(c Config) *Scanner { return &Scanner{Config: c} }

// Handle is the bus handler of scan requests.
func (s *Scanner) Handle(ctx context.Context, m bus.Msg) error {
	r, err := events.Decode[events.ScanRequested](m.Data, events.TypeScanRequested)
	if err != nil {
		return err
	}
	if err := r.Marketplace.Validate(); err != nil {
		return err
	}
	return s.Scan(ctx, r, m.Attempt)
}

// Scan answers one request; attempt counts its deliveries from 1. An error
// means that the request should be delivered again.
func (s *Scanner) Scan(ctx context.Context, r events.ScanRequested, attempt int) error {
	if done, err := s.fulfilled(ctx, r, attempt); done || err != nil {
		return err
	}
	for {
		err := s.once(ctx, r, attempt)
		if !errors.Is(err, state.ErrNewer) {
			if err == nil {
				s.tries.forget(r.Scan)
			}
			return err
		}
		s.Log.Info("two scans of one marketplace met, scanning again", "marketplace", r.Marketplace)
		attempt++
	}
}

// fulfilled says whether there is nothing left to do: an earlier delivery of
// the request came to its end and only its acknowledgement was lost, or the
// request came from a schedule that had not seen the end of another one.
func (s *Scanner) fulfilled(ctx context.Context, r events.ScanRequested, attempt int) (bool, error) {
	if attempt == 1 && r.After == "" {
		return false, nil
	}
	st, err := s.Store.Get(ctx, r.Marketplace)
	if err != nil || st.Request != r.Scan && (r.After == "" || r.After == st.LastRequest()) {
		return false, err
	}
	p := pass{Scanner: s, request: r}
	p.tell(events.ScanProgress{Step: "unchanged"})
	return true, nil
}

// pass is one try at one marketplace.
type pass struct {
	*Scanner
	request events.ScanRequested
	// scan names this try in events. The bus drops a message whose id it saw,
	// so a second try, which may have read something newer, needs its own.
	scan       string
	observedAt time.Time
	state      state.State
	away       bool  // the repository cannot be found
	files      Files // open until the pass ends
}

func (s *Scanner) once(ctx context.Context, r events.ScanRequested, attempt int) error {
	p := &pass{Scanner: s, request: r, scan: r.Scan}
	if attempt > 1 {
		p.scan = uuid.Must(uuid.NewV7()).String()
	}
	st, err := s.Store.Get(ctx, r.Marketplace)
	if err != nil {
		return err
	}
	if p.state = st; r.Force || st.Reader != marketplace.ReaderVersion {
		p.state.RepoETag, p.state.HeadETag, p.state.Commit = "", "", ""
	}
	p.observe()
	found, err := p.look(ctx)
	if p.files != nil {
		defer p.close()
	}
	if err != nil {
		return p.failed(ctx, err)
	}
	return p.publish(ctx, found)
}

// observe takes the time of what is seen from now on. The catalog drops what is
// older than what it knows, and the scraper before this one may have had a clock
// that is ahead.
func (p *pass) observe() {
	p.observedAt = p.Now().UTC()
	if !p.observedAt.After(p.state.ObservedAt) {
		p.observedAt = p.state.ObservedAt.Add(time.Millisecond)
	}
}

func (p *pass) close() {
	if err := p.files.Close(); err != nil {
		p.Log.Warn("cannot remove the unpacked archive", "marketplace", p.request.Marketplace, "err", err)
	}
}

func (p *pass) tell(progress events.ScanProgress) {
	progress.Scan, progress.Marketplace = p.request.Scan, p.request.Marketplace
	if b, err := json.Marshal(progress); err == nil {
		p.Bus.Tell(events.SubjectScanProgress(p.request.Marketplace), b)
	}
}
