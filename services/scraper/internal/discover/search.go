package discover

import (
	"context"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
)

// maxTries is how often a slice that GitHub cannot answer is tried, some time
// apart, before it counts as missing.
const maxTries = 5

// search goes on with m if it is due, to its end, and says how long it is until
// it is due again.
func (d *Discovery) search(ctx context.Context, m method) (next time.Duration, err error) {
	p, err := d.Memory.progress(ctx, m.name)
	if err != nil {
		return 0, err
	}
	if wait := d.due(p.FinishedAt); wait > 0 {
		return wait, nil
	}
	if !d.resumes(m, p) {
		p = progress{StartedAt: d.Now().UTC(), revision: p.revision}
		for _, q := range m.queries {
			p.Open = append(p.Open, m.space(p.StartedAt).whole(q))
		}
	}
	for len(p.Open) > 0 {
		if err := d.next(ctx, m, &p); err != nil {
			return 0, err
		}
		if err := d.Memory.save(ctx, m.name, &p); err != nil {
			return 0, err
		}
	}
	p.FinishedAt = d.Now().UTC()
	if err := d.finish(ctx, m.name, p); err != nil {
		return 0, err
	}
	return d.Interval, d.Memory.save(ctx, m.name, &p)
}

// resumes says whether p is a search under way, by this version's rules, that
// is not so old that its parts no longer belong together.
func (d *Discovery) resumes(m method, p progress) bool {
	age := d.Now().Sub(p.StartedAt)
	if p.StartedAt.IsZero() || !p.FinishedAt.IsZero() || age < 0 || age > max(d.Interval, 24*time.Hour) {
		return false
	}
	for _, s := range p.Open {
		if !m.space(p.StartedAt).fits(s) {
			return false
		}
	}
	return true
}

// next looks at the next slice of p, or cuts it.
func (d *Discovery) next(ctx context.Context, m method, p *progress) error {
	last := len(p.Open) - 1
	s := p.Open[last]
	seen, err := d.slice(ctx, m, m.space(p.StartedAt), s)
	switch kind := errs.KindOf(err); {
	case err != nil && (ctx.Err() != nil || kind != errs.Unavailable && kind != errs.Invalid):
		return err
	case err != nil && s.Tries+1 < maxTries:
		p.Open[last].Tries++
		if saveErr := d.Memory.save(ctx, m.name, p); saveErr != nil {
			return saveErr
		}
		return err
	case err != nil:
		d.Log.Warn("a part of a search cannot be answered and is left out", "method", m.name, "query", m.space(p.StartedAt).text(s), "err", err)
		p.Open, p.Incomplete = p.Open[:last], true
		return nil
	}
	p.Open = p.Open[:last]
	if len(seen.halves) > 0 {
		p.Open = append(p.Open, seen.halves...)
		return nil
	}
	p.Slices++
	p.Found += seen.found
	p.Total += seen.total
	p.Incomplete = p.Incomplete || seen.incomplete || seen.found < seen.total
	return nil
}

// seen is what a slice gave: its halves, if it is too large, or its results.
type seen struct {
	halves       []slice
	found, total int
	incomplete   bool
}

func (d *Discovery) slice(ctx context.Context, m method, sp space, s slice) (seen, error) {
	ask, query := m.ask(d.Client), sp.text(s)
	first, err := ask(ctx, query, 1)
	if err != nil {
		return seen{}, err
	}
	if first.Total >= github.MaxResults {
		if a, b, ok := sp.halves(s); ok {
			parted, err := d.parts(ctx, ask, sp, s, a, b, first.Total)
			if parted || err != nil {
				return seen{halves: []slice{b, a}}, err
			}
		}
	}
	r := results{total: first.Total, hits: map[github.Hit]bool{}}
	if err := r.read(ctx, ask, query, first); err != nil {
		return seen{}, err
	}
	if err := d.overlap(ctx, ask, sp, s, &r); err != nil {
		return seen{}, err
	}
	for hit := range r.hits {
		if err := d.take(ctx, m, hit); err != nil {
			return seen{}, err
		}
	}
	return seen{found: len(r.hits) + r.unusable, total: r.total, incomplete: r.incomplete}, nil
}

// asker asks for a page of a search.
type asker func(ctx context.Context, query string, page int) (github.Page, error)

// parts says whether a and b are halves of s indeed. Ranges are; a word and NOT
// the word are where the host understands NOT, and else their numbers tell. A
// fiftieth is for what changes between two questions.
func (d *Discovery) parts(ctx context.Context, ask asker, sp space, s, a, b slice, total int) (bool, error) {
	if len(a.Words) == len(s.Words) {
		return true, nil
	}
	with, err := ask(ctx, sp.text(a), 1)
	if err != nil {
		return false, err
	}
	without, err := ask(ctx, sp.text(b), 1)
	sum := with.Total + without.Total
	return max(sum-total, total-sum) <= total/50, err
}

// overlap looks for what is left of a slice that is too large and cannot be cut:
// each further word gives a thousand results of its own, which share some.
func (d *Discovery) overlap(ctx context.Context, ask asker, sp space, s slice, r *results) error {
	unusable := r.unusable
	defer func() { r.unusable = unusable }() // they cannot be told apart
	for _, word := range sp.more {
		if r.total < github.MaxResults || len(r.hits)+r.unusable >= r.total {
			return nil
		}
		query := sp.text(s.with(word))
		first, err := ask(ctx, query, 1)
		if err != nil {
			return err
		}
		if err := r.read(ctx, ask, query, first); err != nil {
			return err
		}
	}
	return nil
}

// pages gives how many pages of total results can be had.
func pages(total int) int {
	return (min(total, github.MaxResults) + github.PageSize - 1) / github.PageSize
}

// results are those of a slice, each once: they may move from page to page while
// they are read.
type results struct {
	hits            map[github.Hit]bool
	unusable, total int
	incomplete      bool
}

// read takes a whole search in, of which first is the first page.
func (r *results) read(ctx context.Context, ask asker, query string, first github.Page) error {
	r.add(first)
	for page := 2; page <= pages(first.Total); page++ {
		p, err := ask(ctx, query, page)
		if err != nil {
			return err
		}
		r.add(p)
	}
	return nil
}

func (r *results) add(p github.Page) {
	for _, h := range p.Hits {
		r.hits[h] = true
	}
	r.unusable += p.Unusable
	r.total = max(r.total, p.Total)
	r.incomplete = r.incomplete || p.Incomplete
}

// take keeps what a result leads to.
func (d *Discovery) take(ctx context.Context, m method, h github.Hit) error {
	if !m.takes(h) {
		return nil
	}
	c := Candidate{Key: plugpack.NewMarketplaceKey(d.Host, h.Repo), HostID: h.ID, Method: m.name}
	if c.Key.Validate() != nil || d.passes(c) {
		return nil
	}
	if m.sure(h) {
		return d.admit(ctx, c)
	}
	return d.Memory.Add(ctx, c)
}
