package discover

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/services/scraper/internal/github"
)

// For any set of files the search finds all of them, as long as no slice that
// cannot be cut has more than a thousand; and else it says so, with the true
// numbers.
func TestEverythingIsFound(t *testing.T) {
	t.Parallel()
	words := codeSpace("category", "homepage", "license", "keywords", "strict").words
	for seed := range uint64(24) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 5))
			w := newWorld(t)
			n := r.IntN(5001)
			sizes, wordy := 1+r.IntN(1<<r.IntN(13)), r.IntN(2) == 0
			atoms := map[string]int{} // files that no cut separates
			for i := range n {
				text := ""
				if wordy {
					for _, word := range words {
						if r.IntN(2) == 0 {
							text += word + " "
						}
					}
				}
				if pad := sizes - len(text); pad > 0 {
					text += strings.Repeat("-", r.IntN(pad))
				}
				atoms[fmt.Sprint(len(text), " ", slices.Sorted(slices.Values(strings.Fields(strings.Trim(text, "-")))))]++
				w.github.Write(fmt.Sprintf("owner/r%d", i%60), fmt.Sprintf("d%d/%s", i, manifest), text)
			}
			lost := 0
			for _, size := range atoms {
				lost += max(size-github.MaxResults, 0)
			}
			m := methods[0]
			m.takes = never // what is done with the results is another test's matter
			if _, err := w.search(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			got := w.taken()[byCode]
			if got.Found != n-lost || got.Total != n || got.Incomplete != (lost > 0) {
				t.Errorf("%d files, %d out of reach: %+v", n, lost, got)
			}
			for _, q := range w.github.Requests() {
				if q.Status != 200 {
					t.Fatalf("%q was answered %d", q.Query, q.Status)
				}
			}
		})
	}
}

func TestRepositoriesAreCutByTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := rand.New(rand.NewPCG(1, 2))
	const n = 2500
	begin := time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		repo := fmt.Sprintf("owner/r%d", i)
		w.github.Write(repo, "x", "")
		w.github.Topics(repo, topics[0])
		at := begin // many were made in one second, by a machine
		if i > 1400 {
			at = begin.Add(time.Duration(r.IntN(200*24*3600)) * time.Second)
		}
		w.github.Created(repo, at)
		w.github.Stars(repo, i%50)
	}
	m := methods[2]
	m.takes = never
	if _, err := w.search(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := w.taken()["topics"]; got.Found != n || got.Total != n || got.Incomplete {
		t.Errorf("got %+v", got)
	}
}

// Halves share nothing and miss nothing.
func TestHalves(t *testing.T) {
	t.Parallel()
	sp := codeSpace("a", "b")
	var queries []string
	s := sp.whole("q")
	for {
		a, b, ok := sp.halves(s)
		if !ok {
			break
		}
		for i := range a.Ranges {
			if from, mid, next, to := a.Ranges[i][0], a.Ranges[i][1], b.Ranges[i][0], b.Ranges[i][1]; len(a.Words) == 0 &&
				(from != s.Ranges[i][0] || to != s.Ranges[i][1] || mid+1 != next || mid < from || next > to) {
				t.Fatalf("%v is cut into %v and %v", s.Ranges, a.Ranges, b.Ranges)
			}
		}
		if !sp.fits(a) || !sp.fits(b) {
			t.Fatalf("%+v or %+v does not fit", a, b)
		}
		queries = append(queries, sp.text(b))
		if s = a; len(queries) > 40 {
			t.Fatal("the cuts never end")
		}
	}
	want := []string{"q size:>=627", "q size:25..626", "q size:5..24", "q size:2..4", "q size:1..1", "q size:0..0 NOT a", "q size:0..0 a NOT b"}
	if diff := cmp.Diff(want, queries); diff != "" {
		t.Error(diff)
	}
	if text := sp.text(sp.whole("q")); text != "q" {
		t.Errorf("the whole is %q", text)
	}
}

func TestQueriesAreShort(t *testing.T) {
	t.Parallel()
	for _, m := range methods {
		sp := m.space(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
		for _, q := range m.queries {
			s, longest := sp.whole(q), ""
			for ok := true; ok; {
				longest = max(longest, sp.text(s))
				_, s, ok = sp.halves(s)
			}
			if text := sp.text(s); len(text) > 256 || strings.Count(text, "NOT") > 5 {
				t.Errorf("GitHub does not take %q", text)
			}
		}
	}
}
