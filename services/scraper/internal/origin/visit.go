package origin

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Bounds of what one scan does for its marketplace's origins. What is over them
// is read at the next scan, which finds the rest in the store.
const (
	visitTime = 10 * time.Minute
	perHost   = 4  // origins of one host at a time
	hostsOnce = 16 // hosts at a time
)

// Seen is what a scan found an origin to be: a commit, or why there is none.
type Seen struct {
	Origin marketplace.Origin `json:"origin"`
	Paths  []string           `json:"paths"` // its folders
	As     string             `json:"as"`
	// Again: the origin could not be asked, and should be soon.
	Again bool `json:"again,omitempty"`
}

// Visit fetches the origins of one marketplace in the background, those of
// different hosts independently of each other.
type Visit struct {
	keeper *Keeper
	cancel context.CancelFunc
	ctx    context.Context // of the fetches; for opening too
	tasks  map[marketplace.Origin]*task
	order  []*task
	ended  sync.WaitGroup
}

type task struct {
	wish
	answer
	done chan struct{}
}

// Visit begins to fetch the origins that the marketplace from lists. fresh false
// asks them anew, even if that was done just before.
func (k *Keeper) Visit(ctx context.Context, from plugpack.MarketplaceKey, origins []marketplace.Origin, fresh bool) *Visit {
	v := &Visit{keeper: k, tasks: map[marketplace.Origin]*task{}}
	v.ctx, v.cancel = context.WithTimeout(ctx, visitTime)
	age := k.Fresh
	if !fresh {
		age = 0
	}
	for _, o := range origins {
		t := v.tasks[o.Repository()]
		if t == nil {
			w := wish{repo: o.Repository(), from: from, scope: k.Fetch.Scope(o, from), fresh: age}
			t = &task{wish: w, done: make(chan struct{})}
			v.tasks[o.Repository()] = t
			v.order = append(v.order, t)
		}
		t.paths = append(t.paths, o.Path)
	}
	v.begin()
	return v
}

// begin works on each host's tasks apart, so that a slow host delays its own
// only.
func (v *Visit) begin() {
	byHost := map[string][]*task{}
	var hosts []string
	for _, t := range v.order {
		slices.Sort(t.paths)
		t.paths = slices.Compact(t.paths)
		host := hostOf(t.repo)
		if byHost[host] == nil {
			hosts = append(hosts, host)
		}
		byHost[host] = append(byHost[host], t)
	}
	room := make(chan struct{}, hostsOnce)
	v.ended.Go(func() {
		for _, host := range hosts {
			room <- struct{}{}
			v.ended.Go(func() {
				defer func() { <-room }()
				v.work(byHost[host])
			})
		}
	})
}

func (v *Visit) work(tasks []*task) {
	queue := make(chan *task)
	var workers sync.WaitGroup
	for range min(perHost, len(tasks)) {
		workers.Go(func() {
			for t := range queue {
				v.run(t)
			}
		})
	}
	for _, t := range tasks {
		queue <- t
	}
	close(queue)
	workers.Wait()
}

func (v *Visit) run(t *task) {
	defer close(t.done)
	if v.ctx.Err() != nil {
		t.answer = answer{err: errs.New(errs.Unavailable, "there was no time left to read its files")}
		return
	}
	t.answer = v.keeper.grant(v.ctx, t.wish)
}

// Open gives the files of an origin as soon as they are there.
func (v *Visit) Open(o marketplace.Origin) (marketplace.Files, error) {
	t := v.tasks[o.Repository()]
	if t == nil {
		return marketplace.Files{}, errs.New(errs.Internal, "%s was not asked for", o.Key())
	}
	<-t.done
	if t.err != nil {
		return marketplace.Files{}, t.err
	}
	return v.keeper.open(v.ctx, t.wish, t.answer, o.Path)
}

// Seen waits for all and gives what has to be looked at again: what is not
// pinned, and what could not be read.
func (v *Visit) Seen() []Seen {
	var list []Seen
	for _, t := range v.order {
		<-t.done
		s := Seen{Origin: t.repo, Paths: t.paths, As: t.as(), Again: t.late != nil || temporary(t.err)}
		if t.err != nil || t.late != nil || !t.repo.Pinned() {
			list = append(list, s)
		}
	}
	return list
}

// as says what became of a task.
func (t *task) as() string {
	if t.err != nil {
		return "! " + plugpack.Cut(errs.Detail(t.err), 200)
	}
	return t.commit
}

func temporary(err error) bool {
	if err == nil {
		return false
	}
	switch errs.KindOf(err) {
	case errs.NotFound, errs.Invalid, errs.Forbidden:
		return false
	}
	return true
}

// Moved says whether origins are no longer what an earlier scan saw, and so the
// marketplace that lists them has to be read again; else it gives what is to be
// looked at next time.
func (k *Keeper) Moved(ctx context.Context, from plugpack.MarketplaceKey, before []Seen) (moved bool, next []Seen) {
	var origins []marketplace.Origin
	as := map[marketplace.Origin]string{}
	for _, s := range before {
		as[s.Origin] = s.As
		for _, p := range s.Paths {
			o := s.Origin
			o.Path = p
			origins = append(origins, o)
		}
	}
	v := k.Visit(ctx, from, origins, true)
	defer v.Close()
	next = v.Seen()
	for i, s := range next {
		// What cannot be asked now is no news.
		if s.Again {
			next[i].As = as[s.Origin]
		}
	}
	for _, t := range v.order {
		if !temporary(t.err) && t.as() != as[t.repo] {
			return true, nil
		}
	}
	return false, next
}

// Close ends the fetches that nobody waits for any more.
func (v *Visit) Close() {
	v.cancel()
	v.ended.Wait()
	for _, t := range v.order {
		t.answer.close()
	}
}

func hostOf(o marketplace.Origin) string {
	u, err := url.Parse(o.Address)
	if err != nil {
		return ""
	}
	return u.Host
}
