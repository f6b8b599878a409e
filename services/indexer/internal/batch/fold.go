// Package batch folds the changes of one batch: of each thing only the highest
// revision counts, whatever the order they came in. It is pure.
package batch

import "github.com/plugpack/plugpack/services/indexer/internal/change"

// Fold gives the newest change of each thing, in the order in which the ids
// first appear, and for each of them its place in changes. Of equal revisions
// the later one counts, since it was published later.
func Fold(changes []change.Change) (newest []change.Change, place []int) {
	at := make(map[string]int, len(changes))
	for i, c := range changes {
		n, seen := at[c.ID]
		switch {
		case !seen:
			at[c.ID] = len(newest)
			newest, place = append(newest, c), append(place, i)
		case c.Revision >= newest[n].Revision:
			newest[n], place[n] = c, i
		}
	}
	return newest, place
}
