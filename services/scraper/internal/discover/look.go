package discover

import (
	"context"
	"slices"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
)

const (
	// lookMethod names the search among candidates.
	lookMethod = "listed-elsewhere"
	// lookAgain is how long a repository that has no marketplace's file is left
	// alone.
	lookAgain = 30 * 24 * time.Hour
	// maxLooks bounds the requests of one round, each of one candidate: scans
	// need the same limit.
	maxLooks = 2000
)

// look asks candidates for a marketplace's file, the longest waiting first, and
// says how long it is until the next round.
//
// Its total is the number of candidates and its found that of those looked at
// within lookAgain.
func (d *Discovery) look(ctx context.Context) (next time.Duration, err error) {
	p, err := d.Memory.progress(ctx, lookMethod)
	if err != nil {
		return 0, err
	}
	if wait := d.due(p.FinishedAt); wait > 0 {
		return wait, nil
	}
	p = progress{StartedAt: d.Now().UTC(), Slices: 1, revision: p.revision}
	all, err := d.Memory.candidates(ctx)
	if err != nil {
		return 0, err
	}
	all, err = d.unknown(ctx, all)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(all, func(a, b Candidate) int { return a.CheckedAt.Compare(b.CheckedAt) })
	left := maxLooks
	for _, c := range all {
		if age := d.Now().Sub(c.CheckedAt); age >= 0 && age < lookAgain {
			p.Found++
			continue
		}
		if left == 0 {
			continue
		}
		left--
		if err := d.lookAt(ctx, c); err != nil {
			return 0, err
		}
		p.Found++
	}
	p.Total, p.FinishedAt = len(all), d.Now().UTC()
	p.Incomplete = p.Found < p.Total
	if err := d.finish(ctx, lookMethod, p); err != nil {
		return 0, err
	}
	return d.Interval, d.Memory.save(ctx, lookMethod, &p)
}

// unknown drops the candidates that were found otherwise, or do not want to be.
func (d *Discovery) unknown(ctx context.Context, all []Candidate) (rest []Candidate, err error) {
	for _, c := range all {
		if !d.passes(c) {
			rest = append(rest, c)
		} else if err := d.Memory.drop(ctx, c.Key); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// lookAt asks for one file. A repository that cannot be read is as good as one
// without it.
func (d *Discovery) lookAt(ctx context.Context, c Candidate) error {
	has, _, err := d.Client.HasFile(ctx, c.Key.Repository(), manifest, "")
	switch kind := errs.KindOf(err); {
	case ctx.Err() != nil:
		return ctx.Err()
	case kind == errs.TooMany:
		if err := d.Wait(ctx, errs.RetryAfter(err)); err != nil {
			return err
		}
		return d.lookAt(ctx, c)
	case err != nil && kind != errs.Forbidden && kind != errs.Invalid && kind != errs.NotFound:
		return err
	}
	if has {
		if err := d.admit(ctx, c); err != nil {
			return err
		}
		return d.Memory.drop(ctx, c.Key)
	}
	c.CheckedAt = d.Now().UTC()
	return d.Memory.checked(ctx, c)
}
