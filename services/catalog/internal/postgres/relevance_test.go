package postgres_test

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/jackc/pgx/v5"

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
	{"buluo", "把应用部署到云端，并监控集群的运行状态", "运维", 8},
	{"数据库助手", "数据库迁移与SQL性能优化", "数据库", 3},
	{"shencha", "代码审查：检查拉取请求里的安全漏洞", "", 30},
	{"kensho", "コードレビューを自動化し、テストを書きます", "テスト自動化", 5},
	{"shiryo", "データベースの設計書とマニュアルを作成する", "", 2},
	{"geomto", "데이터베이스를 설계하고 쿼리를 최적화합니다", "코드리뷰", 4},
	{"trwt", "ตรวจสอบโค้ดและเขียนการทดสอบ", "", 1},
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

	// Written without blanks: any part of a run finds it.
	"部署":           {"buluo"},
	"应用部署到云":       {"buluo"},
	"如何把我的应用部署到云端": {"buluo"},
	"集群监控":         {"buluo"},
	"数据库":          {"数据库助手"},
	"数据库助手":        {"数据库助手"},
	"性能优化":         {"数据库助手"},
	"SQL优化":        {"数据库助手"},
	"我想迁移我的数据库":    {"数据库助手"},
	"安全漏洞":         {"shencha"},
	"代码审查":         {"shencha"},
	"审":            {"shencha"},
	"拉取请求的审查":      {"shencha"},
	"レビュー":         {"kensho"},
	"テスト自動化":       {"kensho"},
	"コードレビューをしたい":  {"kensho"},
	"データベース設計":     {"shiryo"},
	"マニュアルの作成":     {"shiryo"},
	"설계":           {"geomto"},
	"데이터베이스 최적화":   {"geomto"},
	"리뷰":           {"geomto"},
	"การทดสอบ":     {"trwt"},

	// Slips in the first letter.
	"eployment":   {"ship-it"},
	"xdeployment": {"ship-it"},
	"seployment":  {"ship-it"},
	"edployment":  {"ship-it"},
	"aginator":    {"paginator"},
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

// What is written without blanks is found by lists and suggestions too, can be
// excluded and quoted, and a text may be nothing else.
func TestTextWithoutBlanks(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	for name, description := range map[string]string{"部署工具": "把应用部署到云端。K8s集群也行", "shujuku": "数据库迁移，库数据"} {
		o := sample.Observation("acme/tools", name, 0)
		o.Facts.Description = description
		if name == "shujuku" {
			var readme strings.Builder
			for r := rune(0x4e00); r < 0x9f00; r++ {
				readme.WriteRune(r)
			}
			o.Facts.Documents.Readme = &plugpack.Document{Path: "README.md", Text: readme.String()}
			o.Facts.Components = []plugpack.Component{{Kind: plugpack.Skill, Name: "a", Description: strings.Repeat("长篇大论", 500)}}
		}
		if _, err := f.ApplyObservation(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"部署": "部署工具", "k8s集群": "部署工具", "数据库": "shujuku", `"库迁移"`: "shujuku", `"数据迁移"`: "", "数据库 -部署": "shujuku", "云端 -部署到": "", "云端 -部署过": "部署工具",
		"丂七": "shujuku", "大论长篇": "shujuku",
	} {
		found, err := f.Search(t.Context(), text, postgres.Filter{}, postgres.SearchPage{Limit: 10})
		if got := strings.Join(names(found.Plugins), " "); err != nil || got != want {
			t.Errorf("search for %s: %q, %v; want %q", text, got, err, want)
		}
		list, err := f.Plugins(t.Context(), postgres.Filter{Text: text}, postgres.Page{Limit: 10})
		if got := strings.Join(names(list.Plugins), " "); err != nil || got != want {
			t.Errorf("list with %s: %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"部": "部署工具", "署工": "部署工具", "工具": "部署工具", "工部": ""} {
		if got, err := f.Suggest(t.Context(), text, 5); err != nil || strings.Join(got, " ") != want {
			t.Errorf("suggestions for %s: %q, %v; want %q", text, got, err, want)
		}
	}
}

// What is indexed and what is asked are taken apart alike.
func TestSearchableIsWords(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	spelt := func(words []string) (all []string) {
		for _, w := range words {
			if !searchdoc.Unspaced(w) {
				all = append(all, w)
				continue
			}
			letters := []rune(w)
			pairs := searchdoc.Pairs(w)
			if len(letters) == 1 {
				pairs = nil
			}
			all = append(append(append(all, string(letters[0])), pairs...), string(letters[len(letters)-1]))
		}
		return all
	}
	for _, text := range []string{
		"用K8s部署，监控。", "コードレビュー・テスト", "数", "𠮷野家で", "데이터베이스 설계", "ตรวจสอบโค้ด", "ガガ", "人々のー",
		"Docker-Compose, C++/C# & F#; .NET", "Node.js, Next.js and Vue.js", "a_b|c\\d 'e' \"f\"", "GRÖSSE Größe Ωmega", "ends with c++", ".net first", "x.network",
	} {
		var got string
		if err := f.pool.QueryRow(t.Context(), `SELECT searchable($1)`, text).Scan(&got); err != nil {
			t.Fatal(err)
		}
		split := func(r rune) bool { return strings.ContainsRune(" ，。・", r) } // Postgres takes the latter for blanks
		if want := spelt(searchdoc.Words(text)); !slices.Equal(strings.FieldsFunc(got, split), want) {
			t.Errorf("%q is indexed as %q and asked as %q", text, strings.FieldsFunc(got, split), want)
		}
	}
}

// Both sides know the same letters, and Postgres takes them for letters.
func TestPairsAreOfTheSameLetters(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	rows, err := f.pool.Query(t.Context(), `
		SELECT c, pairs(c || c) <> c || c, to_tsvector('simple', c || c) <> ''
		FROM (SELECT chr(n) AS c FROM generate_series(1, 210000) n WHERE n NOT BETWEEN 55296 AND 57343) x`)
	if err != nil {
		t.Fatal(err)
	}
	var (
		letter        string
		paired, found bool
	)
	_, err = pgx.ForEachRow(rows, []any{&letter, &paired, &found}, func() error {
		if r := []rune(letter)[0]; searchdoc.Unspaced(letter) != paired {
			t.Errorf("%U: asked in pairs %v, indexed so %v", r, !paired, paired)
		} else if paired && r < 0x10000 && unicode.IsLetter(r) && !found { // beyond, Unicode grows
			t.Errorf("%U is no letter for Postgres", r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
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
