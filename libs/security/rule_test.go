package security

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files and the table in the docs")

// definition is all of a rule that can be written down. What functions do is
// not in it: whoever changes one counts the rule up by hand.
func definitions() string {
	of := map[string]string{}
	for _, r := range textRules {
		of[r.ID] = fmt.Sprint(r.in, r.words, r.with, r.pattern, r.unless, r.known, r.quiet, r.always)
	}
	for _, s := range secrets {
		of[s.rule().ID] = fmt.Sprint(s.words, s.with, s.pattern)
	}
	var b strings.Builder
	for _, r := range Rules() {
		fmt.Fprintf(&b, "%s %d %x\n", r.ID, r.Version, sha256.Sum256([]byte(of[r.ID])))
	}
	return b.String()
}

// TestRulesAreCountedUp holds that a rule that finds something else has another
// version, and so verdicts of another ruleset.
func TestRulesAreCountedUp(t *testing.T) {
	t.Parallel()
	const golden = "testdata/rules.txt"
	got := definitions()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("count up the version of each rule that changed, then run make golden:\n%s", diff)
	}
}

func TestRulesAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range Rules() {
		whole := r.ID != "" && r.Version > 0 && r.Category != "" && strings.HasSuffix(r.Message, ".") && strings.HasSuffix(r.Fix, ".")
		if !whole || seen[r.ID] || !slices.Contains(weights, r.Severity) || !slices.Contains(weights[:3], r.Confidence) {
			t.Errorf("%+v", r)
		}
		seen[r.ID] = true
	}
	for _, r := range textRules {
		for _, w := range slices.Concat(r.words, r.with) {
			if w != strings.ToLower(w) || w == "" {
				t.Errorf("%s: the word %q is not in lower case", r.ID, w)
			}
		}
		if len(r.words) == 0 || r.in == 0 {
			t.Errorf("%s is looked for in every line or in none", r.ID)
		}
	}
	if n := firstRule + 2*(len(textRules)+len(secrets)); n > len(set{})*64 {
		t.Errorf("%d lists of words do not fit a set", n)
	}
}

// TestDocs holds the table of rules in the docs to the rules.
func TestDocs(t *testing.T) {
	t.Parallel()
	const page, begin, end = "../../docs/security-signals.md", "<!-- rules -->\n", "<!-- /rules -->"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the page has no place for the table")
	}
	want := table()
	if *update {
		if err := os.WriteFile(page, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, old); diff != "" {
		t.Errorf("run make golden:\n%s", diff)
	}
}

func table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| rule | weight | confidence | what it means |\n|---|---|---|---|\n")
	for _, r := range Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.ID, r.Severity, r.Confidence, r.Message)
	}
	return b.String()
}
