package scraper

import (
	"context"
	"errors"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

// optedOutReason is what a waiting person is told.
const optedOutReason = "whoever runs this hub was asked not to list it"

// learnOptOuts takes in all opt-outs that were ever announced and announces
// those of this scraper's own file that are new, before anything is scanned.
// From then on it hears of others' until stop is called. The catalog, which
// takes in the same announcements, removes what they cover.
func (s *Scraper) learnOptOuts(ctx context.Context, store *state.Store) (stop func(), err error) {
	announced := map[string]bool{}
	hear := func(data []byte) error {
		o, err := events.Decode[plugpack.OptOut](data, events.TypeRepositoryOptedOut)
		if err == nil && o.Validate() == nil {
			announced[o.Name] = true
			s.optOuts.Add(o)
		}
		return nil
	}
	// Listening comes first, so that none is missed between the two.
	stop, err = s.Bus.Listen(events.OptOuts, func(data []byte) {
		if o, err := events.Decode[plugpack.OptOut](data, events.TypeRepositoryOptedOut); err == nil && o.Validate() == nil {
			s.optOuts.Add(o)
		}
	})
	if err != nil {
		return nil, err
	}
	if err = s.Bus.Replay(ctx, events.StreamPlugin, events.OptOuts, hear); err == nil {
		err = s.announceOptOuts(ctx, store, announced)
	}
	if err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

func (s *Scraper) announceOptOuts(ctx context.Context, store *state.Store, announced map[string]bool) error {
	for _, name := range s.optOuts.File() {
		if announced[name] {
			continue
		}
		if err := s.optOut(ctx, plugpack.OptOut{Name: name}); err != nil {
			return err
		}
	}
	// A repository's number is known from its scans.
	var covered []state.State
	err := store.Each(ctx, func(st state.State) {
		if !st.OptedOut && (s.optOuts.Excluded(st.Key) || st.Listing != nil && s.optOuts.Excluded(st.Listing.Key)) {
			covered = append(covered, st)
		}
	})
	for _, st := range covered {
		if err == nil {
			err = s.forget(ctx, store, st)
		}
	}
	return err
}

// forget announces what is known of a marketplace that opted out, and keeps no
// more of it than that it did.
func (s *Scraper) forget(ctx context.Context, store *state.Store, st state.State) error {
	if err := s.optOut(ctx, plugpack.OptOut{Name: string(st.Key), Host: st.Key.Host(), HostID: st.RepositoryID()}); err != nil {
		return err
	}
	// When another scraper wrote it meanwhile, its own next try does the same.
	if err := store.Put(ctx, st.Forgotten()); !errors.Is(err, state.ErrNewer) {
		return err
	}
	return nil
}

func (s *Scraper) optOut(ctx context.Context, o plugpack.OptOut) error {
	o.Reason, o.At = optedOutReason, s.Now().UTC()
	m, err := events.NewRepositoryOptedOut(o)
	if err != nil {
		return err
	}
	s.optOuts.Add(o)
	return s.Bus.Publish(ctx, m)
}
