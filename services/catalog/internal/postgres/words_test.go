package postgres

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/migrations"
)

// withWords is a store that knows the words, the first the most frequent.
func withWords(t testing.TB, words []string) *Store {
	t.Helper()
	pool, err := Open(t.Context(), testkit.Postgres(t, migrations.Up))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	rows := pgx.CopyFromSlice(len(words), func(i int) ([]any, error) { return []any{words[i], len(words) - i}, nil })
	if _, err := pool.CopyFrom(t.Context(), pgx.Identifier{"words"}, []string{"word", "ndoc"}, rows); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `ANALYZE words`); err != nil {
		t.Fatal(err)
	}
	return New(pool, testkit.Log(t))
}

func TestNearest(t *testing.T) {
	t.Parallel()
	s := withWords(t, []string{"deploy", "employ", "test", "best", "git", "kubernetes", "größe", "review", "playwright"})
	for typed, want := range map[string]string{
		"depoly": "deploy", "eploy": "employ deploy", "sdeploy": "deploy", "xdeploy": "deploy", "xeploy": "deploy", "edploy": "employ deploy",
		"tset": "test", "xgit": "git", "jest": "test best", "ubernetes": "kubernetes", "kubernets": "kubernetes", "röße": "größe", "ploy": "", "xxdeploy": "",
		"eview": "review", "playwrite": "playwright", "plaigrite": "", "dpeloy": "deploy",
	} {
		if got, err := s.nearest(t.Context(), typed); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s may mean %q, %v; want %q", typed, got, err, want)
		}
	}
}

// BenchmarkNearest corrects slips of one letter among 100,000 words, and says
// how many of them it understood.
func BenchmarkNearest(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	syllable := func() string {
		return string("bcdfghjklmnprstvwz"[r.IntN(18)]) + string("aeiou"[r.IntN(5)]) + []string{"", "", "n", "r", "s", "t", "l"}[r.IntN(7)]
	}
	seen := map[string]bool{}
	for len(seen) < 100_000 {
		word := ""
		for range 2 + r.IntN(3) {
			word += syllable()
		}
		seen[word] = true
	}
	words := make([]string, 0, len(seen))
	for word := range seen {
		words = append(words, word)
	}
	slices.Sort(words)
	r.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	s := withWords(b, words)
	for _, first := range []bool{false, true} {
		b.Run(fmt.Sprintf("first=%v", first), func(b *testing.B) {
			right, asked := 0, 0
			for b.Loop() {
				meant := words[r.IntN(1500)]
				at := 1 + r.IntN(len(meant)-2)
				if first {
					at = 0
				}
				letter := string(rune('a' + r.IntN(26)))
				typed := []string{
					meant[:at] + meant[at+1:], meant[:at] + letter + meant[at:], meant[:at] + letter + meant[at+1:],
					meant[:at] + meant[at+1:at+2] + meant[at:at+1] + meant[at+2:],
				}[r.IntN(4)]
				if len(typed) < 4 || seen[typed] {
					continue
				}
				near, err := s.nearest(b.Context(), typed)
				if err != nil {
					b.Fatal(err)
				}
				if asked++; slices.Contains(near, meant) {
					right++
				}
			}
			b.ReportMetric(100*float64(right)/float64(asked), "%right")
		})
	}
}
