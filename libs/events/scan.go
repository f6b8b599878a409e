package events

import (
	"cmp"
	"slices"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Priority says which scans come first.
type Priority string

// The priorities. Each has its own part of the queue.
const (
	PriorityNow     Priority = "now"     // somebody waits: a webhook, a submission, a person
	PriorityPopular Priority = "popular" // due, and many use it or it changes often
	PriorityStale   Priority = "stale"   // due, and nobody would notice a delay
)

// Priorities lists all of them, the most urgent first.
var Priorities = []Priority{PriorityNow, PriorityPopular, PriorityStale}

// ScanRequested asks for a scan of one marketplace.
type ScanRequested struct {
	Scan        string                  `json:"scan"`
	Marketplace plugpack.MarketplaceKey `json:"marketplace"`
	RequestedAt time.Time               `json:"requested_at"`
	// Priority is PriorityNow when it is left out.
	Priority Priority `json:"priority,omitempty"`
	// Force reads the marketplace again even if nothing changed.
	Force bool `json:"force,omitempty"`
	// After is set by the schedule: the id of the last request that had been
	// answered when it asked, or "none". Once another one has been answered,
	// this one is out of date.
	After string `json:"after,omitempty"`
}

// ScanProgress tells a waiting person how far a scan is.
type ScanProgress struct {
	Scan        string                  `json:"scan"`
	Marketplace plugpack.MarketplaceKey `json:"marketplace"`
	Step        string                  `json:"step"` // fetching, reading, publishing, done, unchanged, failed, waiting
	Entries     int                     `json:"entries,omitempty"`
	Changed     int                     `json:"changed,omitempty"`
	Reason      string                  `json:"reason,omitempty"`
}

// Final says whether no more progress of this scan will follow.
func (p ScanProgress) Final() bool {
	return p.Step == "done" || p.Step == "unchanged" || p.Step == "failed"
}

// NewScanRequested makes the message that queues a scan.
func NewScanRequested(r ScanRequested) (Message, error) {
	r.Priority = cmp.Or(r.Priority, PriorityNow)
	if !slices.Contains(Priorities, r.Priority) {
		return Message{}, errs.New(errs.Invalid, "scan of %s: want priority now, popular or stale, not %.40q", r.Marketplace, r.Priority)
	}
	subject := SubjectScanRequested(r.Priority, r.Marketplace)
	return message(TypeScanRequested, "schedule", r.Scan, string(r.Marketplace), r.RequestedAt, subject, r)
}
