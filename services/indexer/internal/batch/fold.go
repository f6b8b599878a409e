// Package batch folds the messages of one batch: of each plugin only the
// highest revision counts, whatever the order they came in. It is pure.
package batch

import "github.com/plugpack/plugpack/libs/plugpack"

// Fold gives the newest state of each plugin, in the order in which the ids
// first appear, and for each of them its place in plugins. Of equal revisions
// the later one counts, since it was published later.
func Fold(plugins []plugpack.Plugin) (newest []plugpack.Plugin, place []int) {
	at := make(map[string]int, len(plugins))
	for i, p := range plugins {
		n, seen := at[p.ID]
		switch {
		case !seen:
			at[p.ID] = len(newest)
			newest, place = append(newest, p), append(place, i)
		case p.Revision >= newest[n].Revision:
			newest[n], place[n] = p, i
		}
	}
	return newest, place
}
