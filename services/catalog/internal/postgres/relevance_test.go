package postgres_test

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// question is what somebody types, and plugins of which one has to be in the
// first three answers.
type question struct {
	text string
	want []string
}

func questions(t *testing.T, file string) (all []question) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text, want, ok := strings.Cut(lines.Text(), " | ")
		if ok && !strings.HasPrefix(text, "#") {
			all = append(all, question{text, strings.Split(want, ", ")})
		}
	}
	return all
}

// relevance asks all questions and says how good the answers are: the share
// with a wanted plugin in the first three, the mean reciprocal rank of the
// first, and the share of the wanted ones in the first ten.
func (f fixture) relevance(all []question) (missed []string, mrr, recall float64) {
	f.t.Helper()
	for _, q := range all {
		found, err := f.Search(f.t.Context(), q.text, postgres.Filter{}, postgres.SearchPage{Limit: 10})
		if err != nil {
			f.t.Fatal(err)
		}
		first, hits := 0, map[string]bool{}
		for i, p := range found.Plugins {
			if slices.Contains(q.want, p.Name) {
				hits[p.Name] = true
				if first == 0 {
					first = i + 1
				}
			}
		}
		if first > 0 {
			mrr += 1 / float64(first)
		}
		recall += float64(len(hits)) / float64(min(len(q.want), 10))
		if first == 0 || first > 3 {
			missed = append(missed, q.text+": "+strings.Join(names(found.Plugins), ", "))
		}
	}
	n := float64(len(all))
	return missed, mrr / n, recall / n
}

func names(ps []plugpack.Plugin) (names []string) {
	for _, p := range ps {
		names = append(names, p.Name)
	}
	return names
}

func TestRelevanceOverTheCorpus(t *testing.T) {
	t.Parallel()
	scans := testkit.Corpus(t)
	f := newStore(t)
	for _, s := range scans {
		if _, err := f.ApplyListing(t.Context(), s.Listing); err != nil {
			t.Fatal(err)
		}
		for _, o := range s.Observations {
			if _, err := f.ApplyObservation(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.RefreshWords(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := questions(t, "testdata/relevance.txt")
	missed, mrr, recall := f.relevance(all)
	t.Logf("%d questions, %d without a wanted plugin in the first three; MRR %.3f, recall@10 %.3f", len(all), len(missed), mrr, recall)
	for _, m := range missed {
		t.Log("missed ", m)
	}
	if len(missed)*20 > len(all) || mrr < 0.85 || recall < 0.8 {
		t.Error("search answers worse than it did")
	}
}
