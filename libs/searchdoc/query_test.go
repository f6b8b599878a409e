package searchdoc_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/searchdoc"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"I want to improve my deployment workflow": "deployment workflow",
		"security audit for Node.js API":           "security audit nodejs api",
		"open a pull request":                      "open pull request",
		`"error handling" in Go -java`:             `"error handling" go -"java"`,
		"the":                                      "the", // somebody's name, perhaps
		"help me":                                  "help me",
		"C++ and C#, please":                       "cpp csharp",
		"a.b/c_d-e":                                "b c d e",
		"review REVIEW":                            "review",
		"-":                                        "",
		" \x00 ' ; -- ":                            "",
		"Größe 誕生日":                                "größe 誕生日",
		"用k8s部署":                                   "用 k8s 部署",
		"如何改进我的部署流程":                               "改进 部署流程",
		strings.Repeat("数", 20) + " 部署集群监控": strings.Repeat("数", 20) + " 部署集群", // no more letters count
		"我的":         "我的", // nothing else is there
		"参与者":        "参与者",
		`"我的代码" 审查`:  `"我的代码" 审查`,
		"데이터베이스 최적화": "데이터베이스 최적화",
		"データベースの移行を自動化する":                                  "データベース 移行 自動化",
		"書き込みを速くする":                                        "書き込みを速くする",
		"コードレビュー自動化":                                       "コードレビュー 自動化",
		"one two three four five six seven eight nine ten": "one two three four five six",
		`"unfinished quote`:                                `"unfinished quote"`,
		strings.Repeat("x", 200):                           strings.Repeat("x", 200),
	} {
		if got := searchdoc.Parse(text).Plain(); got != want {
			t.Errorf("%q means %q, want %q", text, got, want)
		}
	}
	for text, sentence := range map[string]bool{"部署流程": false, "我的部署流程": true, "コードレビュー自動化": false, "deploy": false, "my deploy": true} {
		if got := searchdoc.Parse(text).Sentence; got != sentence {
			t.Errorf("%s: a sentence: %v", text, got)
		}
	}
	q := searchdoc.Parse("k8s pull request")
	if !slices.Equal(q.Terms[0].Same, []string{"kubernetes"}) || !slices.Contains(q.Terms[1].Same, "pr") {
		t.Errorf("synonyms: %+v", q.Terms)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`"a b" -c d"`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, term := range searchdoc.Parse(text).Terms {
			if term.Text == "" || strings.ContainsAny(term.Text, `&|!():*<>'"\`+"\x00") {
				t.Errorf("%q has the term %q", text, term.Text)
			}
		}
	})
}

func TestPairs(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"部": "部", "部署": "部署", "数据库迁移": "数据 据库 库迁 迁移", "レビュー": "レビ ビュ ュー", "deploy": "deploy", "größe": "größe", "𠮷野家": "𠮷野 野家",
	} {
		if got := strings.Join(searchdoc.Pairs(word), " "); got != want {
			t.Errorf("%s in pairs: %s, want %s", word, got, want)
		}
	}
	if got := searchdoc.Runs("用k8s、部署"); !slices.Equal(got, []string{"用", "k8s、", "部署"}) {
		t.Errorf("runs: %q", got)
	}
}
