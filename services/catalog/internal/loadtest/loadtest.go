// Package loadtest makes up a plugin world of any size, always the same one.
//
// Its shapes are those of the real world: most marketplaces hold one plugin and
// have next to no stars, a few hold hundreds; words follow Zipf's law, so some
// are in every second description and most in next to none. What is made up is
// what a scraper would publish, so it takes the same way into a catalog.
package loadtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Scan is a marketplace's listing with what was seen of its plugins.
type Scan struct {
	Listing      plugpack.Listing
	Observations []plugpack.Observation
}

// World is a plugin world of so many plugins.
type World struct {
	plugins int
	at      time.Time
	words   []string
}

// New makes a world whose plugins are all seen at the time.
func New(plugins int, at time.Time) World {
	return World{plugins: plugins, at: at.UTC().Truncate(time.Second), words: vocabulary(5000)}
}

// Marketplaces says how many there are: two for five plugins.
func (w World) Marketplaces() int { return max(w.plugins*2/5, 1) }

// Scans gives the marketplaces one after the other.
func (w World) Scans() iter.Seq[Scan] {
	return func(yield func(Scan) bool) {
		n, left := w.Marketplaces(), w.plugins
		for i := range n {
			r := rand.New(rand.NewPCG(7, uint64(i)))
			size := min(w.size(r), left-(n-i-1))
			if i == n-1 {
				size = left
			}
			left -= size
			if size > 0 && !yield(w.scan(r, i, size)) {
				return
			}
		}
	}
}

// size draws how many plugins a marketplace holds: one in seven of ten, else
// some or, rarely, hundreds; two and a half in the mean.
func (w World) size(r *rand.Rand) int {
	if r.Float64() < 0.7 {
		return 1
	}
	return int(min(2*math.Pow(1-r.Float64(), -1/1.5), 400))
}

func (w World) scan(r *rand.Rand, i, size int) Scan {
	repo := fmt.Sprintf("%s-%d/%s", w.word(r), i/3, w.word(r)+"-"+w.word(r)+fmt.Sprint(i))
	key := plugpack.NewMarketplaceKey("github.com", repo)
	s := Scan{Listing: plugpack.Listing{
		Scan: fmt.Sprint("load-", i), ObservedAt: w.at, Key: key, Name: fmt.Sprintf("market-%d", i), Description: w.text(r, 12),
		Owner: plugpack.Person{Name: key.Owner()}, Commit: digest(i, 0)[:40], Entries: size,
		Repository: plugpack.Repository{
			Host: "github.com", FullName: repo, HostID: int64(i + 1), OwnerID: int64(i/3 + 1), Description: w.text(r, 10),
			DefaultBranch: "main", License: pick(r, licenses), Stars: stars(r), Forks: r.IntN(5), PushedAt: w.at.Add(-age(r)), Archived: r.IntN(40) == 0,
		},
	}}
	for j := range size {
		o := plugpack.Observation{
			Scan: s.Listing.Scan, ObservedAt: w.at, Marketplace: key,
			Name: fmt.Sprintf("%s-%s-%d", w.word(r), w.word(r), i*7+j),
		}
		o.Facts = w.facts(r, key, o.Name, i, j)
		s.Observations, s.Listing.Names = append(s.Observations, o), append(s.Listing.Names, o.Name)
	}
	return s
}

func (w World) facts(r *rand.Rand, key plugpack.MarketplaceKey, name string, i, j int) plugpack.Facts {
	f := plugpack.Facts{
		Description: w.text(r, 8+r.IntN(45)), Version: fmt.Sprintf("%d.%d.0", r.IntN(3), r.IntN(20)),
		Author: plugpack.Person{Name: key.Owner()}, Category: categories[zipf(r, len(categories), 1)],
		Source: plugpack.Source{Kind: plugpack.SourceRelative, Path: "./plugins/" + name}, Origin: string(key) + "/plugins/" + name,
		State: plugpack.StateRead, Commit: digest(i, 0)[:40], Digest: digest(i, j+1), Files: 2 + r.IntN(40), Bytes: int64(r.IntN(200_000)),
		Documents: plugpack.Documents{Readme: w.readme(r)},
	}
	if r.IntN(2) == 0 {
		f.License = pick(r, licenses)
	}
	for range 3 + r.IntN(4) {
		f.Keywords = append(f.Keywords, w.word(r))
	}
	for k := range int(min(math.Pow(1-r.Float64(), -1/1.2), 60)) {
		kind := plugpack.ComponentKinds[zipf(r, 6, 1)]
		f.Components = append(f.Components, plugpack.Component{
			Kind: kind, Name: fmt.Sprintf("%s-%d", w.word(r), k), Description: w.text(r, 6+r.IntN(20)),
			Path: fmt.Sprintf("%ss/%d.md", kind, k), AlwaysOn: r.IntN(60), OnUse: r.IntN(2000),
		})
	}
	return f
}

func (w World) readme(r *rand.Rand) *plugpack.Document {
	if r.IntN(5) < 2 {
		return nil
	}
	text := "# " + w.text(r, 3) + "\n\n" + w.text(r, 40+r.IntN(300))
	return &plugpack.Document{Path: "README.md", Bytes: int64(len(text)), Text: text}
}

// mostStars is what the most starred repository of all has.
const mostStars = 500_000

// stars draws from a power law: half have two or fewer, one in a hundred
// thousands.
func stars(r *rand.Rand) int {
	return int(min(math.Pow(1-r.Float64(), -1/0.65), mostStars)) - 1
}

func age(r *rand.Rand) time.Duration {
	return time.Duration(math.Pow(r.Float64(), 3) * 800 * 24 * float64(time.Hour))
}

func digest(i, j int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d", i, j))
	return hex.EncodeToString(sum[:])
}

func pick(r *rand.Rand, all []string) string { return all[zipf(r, len(all), 1.2)] }
