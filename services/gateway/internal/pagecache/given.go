package pagecache

import (
	"hash/maphash"
	"sync"
)

// given remembers the highest revision that this process gave out at each key.
// It is bounded: keys that nobody asked for in a long time are forgotten.
type given struct {
	seed   maphash.Seed
	shards [16]shard
}

// maxShard bounds the keys of one generation of a shard; the whole remembers
// between 100,000 and 200,000 keys.
const maxShard = 100_000 / 16

// shard holds two generations of keys. When the younger one is full, the elder
// is dropped and the younger takes its place, so that a key stays for as long
// as fewer than maxShard others are asked for between two uses of it.
type shard struct {
	mu             sync.Mutex
	younger, elder map[string]int64
}

func newGiven() *given { return &given{seed: maphash.MakeSeed()} }

// admit notes that revision is about to be given out, and says whether nothing
// newer was. Both are one step, so that of two readers the later one cannot
// get the older page.
func (g *given) admit(key string, revision int64) bool {
	s := &g.shards[maphash.String(g.seed, key)%uint64(len(g.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	newest, young := s.younger[key]
	if !young {
		newest = s.elder[key]
	}
	if newest > revision && young {
		return false
	}
	if len(s.younger) >= maxShard && !young {
		s.elder, s.younger = s.younger, nil
	}
	if s.younger == nil {
		s.younger = make(map[string]int64)
	}
	s.younger[key] = max(newest, revision)
	return newest <= revision
}
