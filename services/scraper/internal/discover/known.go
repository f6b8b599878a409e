package discover

import (
	"context"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

// known are the marketplaces that need not be found again.
type known struct {
	keys map[plugpack.MarketplaceKey]bool
	// ids are those of their repositories, which a new name does not change.
	ids map[int64]bool
}

func (k *known) add(st state.State) {
	// A renamed repository's old name is known no more: another one may have it.
	if st.Listing == nil || st.OptedOut {
		k.keys[st.Key] = true
	} else {
		k.keys[st.Listing.Key] = true
	}
	// An id belongs to one host only. One that cannot be found by its name may
	// have another name now.
	if id := st.RepositoryID(); id != 0 && !st.Key.Local() && st.GoneSince.IsZero() {
		k.ids[id] = true
	}
}

// learn reads what is known.
func (d *Discovery) learn(ctx context.Context) error {
	d.known = known{keys: map[plugpack.MarketplaceKey]bool{}, ids: map[int64]bool{}}
	return d.States.Each(ctx, func(st state.State) {
		if st.Key.Host() == d.Host || st.Listing != nil && st.Listing.Key.Host() == d.Host {
			d.known.add(st)
		}
	})
}

// passes says whether c is known, or does not want to be. Whoever opted out is
// among the known.
func (d *Discovery) passes(c Candidate) bool {
	return d.known.keys[c.Key] || c.HostID != 0 && d.known.ids[c.HostID] || d.Excluded(c.Key)
}
