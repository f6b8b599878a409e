package postgres_test

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
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

// shelf is a small catalog of our own, popular and unknown plugins mixed.
var shelf = []struct {
	name, description, keywords string
	stars                       int
}{
	{"cluster-captain", "Writes Kubernetes manifests and watches rollouts", "containers helm", 3},
	{"ship-it", "Deployment pipelines with rollbacks and approvals", "deployment release cd", 12},
	{"swiss-army", "Many small helpers: deployment, review, tests, databases, documents", "everything", 9000},
	{"query-doctor", "Explains slow PostgreSQL queries and proposes indexes", "sql performance", 1},
	{"schema-mover", "Database migrations that can be undone", "sql", 40},
	{"gatekeeper", "Security audit of Node.js and Python services: injection, secrets, dependencies", "vulnerabilities", 0},
	{"review-buddy", "Reads pull requests like a careful colleague", "code review", 700},
	{"code-review", "Another one", "", 0},
	{"tester", "Generates unit tests and end to end tests", "tdd pytest", 5},
	{"paginator", "Pagination for lists", "", 2},
	{"docsmith", "Writes documentation from code", "readme markdown", 60},
	{"sharp-tools", "Helpers for C# and .NET projects", "", 4},
	{"plus-plus", "C++ builds with CMake", "", 4},
	{"größenrechner", "Rechnet Größen um", "", 1},
}

// Each question wants its plugins first, in this order.
var shelfQuestions = map[string][]string{
	"k8s":                 {"cluster-captain"},
	"kubernets manifests": {"cluster-captain"},
	"I want to improve my deployment workflow": {"ship-it"},
	"security audit for Node.js API":           {"gatekeeper"},
	"security":                                 {"gatekeeper"},
	"code review":                              {"code-review", "review-buddy"},
	"code-review":                              {"code-review", "review-buddy"},
	"pr":                                       {"review-buddy"},
	"slow postgres query":                      {"query-doctor"},
	"postgersql":                               {"query-doctor"},
	"db migrations":                            {"schema-mover"},
	"how can I write unit tests?":              {"tester"},
	"e2e":                                      {"tester"},
	"docs":                                     {"docsmith"},
	"c#":                                       {"sharp-tools"},
	".net":                                     {"sharp-tools"},
	"c++":                                      {"plus-plus"},
	"nodejs":                                   {"gatekeeper"},
	"Größenrechner":                            {"größenrechner"},
	"pagintor":                                 {"paginator"},
	`"pull requests"`:                          {"review-buddy"},
	"deployment -everything":                   {"ship-it"},
	"review tests databases documents":         {"swiss-army"},
	"kube":                                     {"cluster-captain"},
}

func TestRelevanceOverTheShelf(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	for i, p := range shelf {
		o := sample.Observation(fmt.Sprintf("owner%d/market", i), p.name, 0)
		o.Facts.Description, o.Facts.Keywords, o.Facts.Category, o.Facts.Components = p.description, strings.Fields(p.keywords), "", nil
		l := sample.Listing(fmt.Sprintf("owner%d/market", i), 0, p.name)
		l.Repository.Stars = p.stars
		if _, err := f.ApplyListing(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ApplyObservation(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.RefreshWords(t.Context()); err != nil {
		t.Fatal(err)
	}
	for text, want := range shelfQuestions {
		found, err := f.Search(t.Context(), text, postgres.Filter{}, postgres.SearchPage{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if got := names(found.Plugins); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("%s: %v, want %v first", text, got, want)
		}
	}
}

// What is indexed and what is asked are taken apart alike.
func TestSearchableIsWords(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	for _, text := range []string{
		"Docker-Compose, C++/C# & F#; .NET", "Node.js, Next.js and Vue.js", "a_b|c\\d 'e' \"f\"", "GRÖSSE Größe Ωmega", "ends with c++", ".net first", "x.network",
	} {
		var got string
		if err := f.pool.QueryRow(t.Context(), `SELECT searchable($1)`, text).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if want := searchdoc.Words(text); !slices.Equal(strings.Fields(got), want) {
			t.Errorf("%q is indexed as %q and asked as %q", text, strings.Fields(got), want)
		}
	}
}

// Every match can be reached by cursor, each once, however many there are.
func TestSearchGoesOnBehindItsWindow(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	const n = 640
	for i := range n {
		o := sample.Observation(fmt.Sprintf("acme/market%d", i%40), fmt.Sprintf("p%03d", i), 0)
		if o.Facts.Description = "Something common"; i%5 == 0 {
			o.Name = fmt.Sprintf("common-%03d", i)
		}
		if _, err := f.ApplyObservation(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []int{7, 100} {
		seen, page := map[string]int{}, postgres.SearchPage{Limit: limit}
		for {
			found, err := f.Search(t.Context(), "common", postgres.Filter{}, page)
			if err != nil || found.Total != n {
				t.Fatalf("%d found, %v", found.Total, err)
			}
			for _, p := range found.Plugins {
				seen[p.Slug]++
			}
			if page.After = found.Next; page.After == nil {
				break
			}
		}
		for slug, times := range seen {
			if times > 1 {
				t.Errorf("limit %d: %s is there %d times", limit, slug, times)
			}
		}
		if len(seen) != n {
			t.Errorf("limit %d: %d plugins on the pages, want %d", limit, len(seen), n)
		}
	}
	found, err := f.Search(t.Context(), "common", postgres.Filter{}, postgres.SearchPage{Skip: 630, Limit: 100})
	if err != nil || len(found.Plugins) != 10 {
		t.Errorf("%d plugins after 630, %v", len(found.Plugins), err)
	}
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
