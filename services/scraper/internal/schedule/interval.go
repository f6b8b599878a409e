package schedule

import (
	"hash/fnv"
	"io"
	"time"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

const (
	// maxStretch is how many times as long as the interval the least alive
	// marketplace is left alone.
	maxStretch = 8
	// maxBackOff is the longest that a scan which failed postpones the next one.
	maxBackOff = 7 * 24 * time.Hour
)

// stretch says how many intervals there are between two scans of a repository:
//
//	pushed to within 14 days, or not known   1
//	within 90 days                           2
//	within 365 days                          4
//	longer ago                               8
//
// half as many from 100 stars on and a quarter from 1,000 on, but at least one;
// an archived one 8, however many stars it has, as it cannot change.
func stretch(r plugpack.Repository, now time.Time) int {
	n := 1
	switch r.MaintenanceAt(now) {
	case plugpack.Archived:
		return maxStretch
	case plugpack.Maintained:
		n = 2
	case plugpack.Slow:
		n = 4
	case plugpack.Stale:
		n = maxStretch
	}
	switch {
	case r.Stars >= 1000:
		n /= 4
	case r.Stars >= 100:
		n /= 2
	}
	return max(n, 1)
}

// dueAt says when the marketplace of st is due. Its NextAt stands for a popular
// one; the rest of a longer wait is added here, less up to a tenth of it that is
// the same for every scraper. What would be due later than any scan could mean
// was written by a clock that was wrong, and is due now.
func dueAt(st state.State, interval time.Duration, now time.Time) time.Time {
	at := st.NextAt
	if st.Listing != nil && st.Failures == 0 {
		more := time.Duration(stretch(st.Listing.Repository, now)-1) * interval
		at = at.Add(more - share(st, more/10))
	}
	if at.After(now.Add(max(maxStretch*interval, maxBackOff))) {
		return now
	}
	return at
}

// share gives a part of d that depends on the state alone.
func share(st state.State, d time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = io.WriteString(h, string(st.Key)+st.NextAt.UTC().String())
	return d * time.Duration(h.Sum32()%1000) / 1000
}

// priority says which of the due marketplaces come first: those that the
// operator named, that many use or that change often. What a search found and
// nobody has read yet can wait.
func priority(st state.State, now time.Time) events.Priority {
	popular := st.FoundBy == ""
	if st.Listing != nil {
		popular = stretch(st.Listing.Repository, now) == 1
	}
	if popular {
		return events.PriorityPopular
	}
	return events.PriorityStale
}
