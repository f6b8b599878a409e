package indexer

import "testing"

func TestAReasonIsNotLostBehindALook(t *testing.T) {
	t.Parallel()
	for _, asked := range [][]string{{"", "why"}, {"why", ""}, {"why"}, {"first", "why"}} {
		x := &Indexer{kick: make(chan string, 1)}
		for _, reason := range asked {
			x.lookSoon(reason)
		}
		if got := <-x.kick; got != "why" {
			t.Errorf("%q: told %q", asked, got)
		}
	}
}
