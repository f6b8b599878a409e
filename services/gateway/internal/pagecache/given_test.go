package pagecache

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestGiven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := newGiven()
		newest := map[string]int64{}
		for range rapid.IntRange(1, 50).Draw(t, "calls") {
			key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
			revision := rapid.Int64Range(1, 9).Draw(t, "revision")
			if got, want := g.admit(key, revision), revision >= newest[key]; got != want {
				t.Fatalf("admit(%s, %d) = %v after %d", key, revision, got, newest[key])
			}
			newest[key] = max(newest[key], revision)
		}
	})
}

func TestGivenIsBounded(t *testing.T) {
	t.Parallel()
	g := newGiven()
	for i := range 300_000 {
		g.admit(fmt.Sprint("key", i), 5)
		if i%1000 == 0 && g.admit("in use", 1) && i > 0 {
			t.Fatalf("a key in use was forgotten after %d others", i)
		}
		if i == 0 {
			g.admit("in use", 2)
		}
	}
	n := 0
	for i := range g.shards {
		n += len(g.shards[i].younger) + len(g.shards[i].elder)
	}
	if most := 2 * maxShard * len(g.shards); n > most {
		t.Errorf("%d keys are remembered, more than %d", n, most)
	}
}
