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
		"one two three four five six seven eight nine ten": "one two three four five six",
		`"unfinished quote`:      `"unfinished quote"`,
		strings.Repeat("x", 200): strings.Repeat("x", 200),
	} {
		if got := searchdoc.Parse(text).Plain(); got != want {
			t.Errorf("%q means %q, want %q", text, got, want)
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
