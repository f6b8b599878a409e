package plugpack_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/plugpack"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, line, text string }{
		{"plain text stays", "Ships it.", "Ships it.", "Ships it."},
		{"blanks around go, within become one", "  a \t b\u00a0\u2003 c ", "a b c", "a \t b\u00a0\u2003 c"},
		{"line breaks", "a\r\n\tb\n", "a b", "a\n\tb"},
		{"line and paragraph separators", "a\u2028b\u2029c", "a b c", "a b c"},
		{"bidi overrides and isolates", "a\u202eb\u2066c\u2069d\u200f", "abcd", "abcd"},
		{"zero width characters", "a\u200bb\u200dc\ufeffd\u2060e", "abcde", "abcde"},
		{"soft hyphen and tag characters", "a\u00adb\U000e0041c", "abc", "abc"},
		{"letters that show nothing", "a\u3164b\u115fc\u034fd\uffa0e", "abcde", "abcde"},
		{"NUL, escape and other controls", "a\x00b\x1b[31mc\x7fd\u0085e", "ab[31mcde", "ab[31mcde"},
		{"invalid UTF-8", "a\xff\xc3(b\xed\xa0\x80c", "a(bc", "a(bc"},
		{"replacement characters", "a\ufffdb", "ab", "ab"},
		{"nothing visible", "\u200b\x00 \n\u2067", "", ""},
		{"other scripts and emoji stay", "插件 für Ünïcode \u2764\ufe0f 🚀", "插件 für Ünïcode \u2764\ufe0f 🚀", "插件 für Ünïcode \u2764\ufe0f 🚀"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := plugpack.Clean(c.in); got != c.line {
				t.Errorf("Clean gives %q, want %q", got, c.line)
			}
			if got := plugpack.CleanText(c.in); got != c.text {
				t.Errorf("CleanText gives %q, want %q", got, c.text)
			}
		})
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		n        int
		want     string
	}{
		{"what fits stays", "abcdef", 6, "abcdef"},
		{"what does not is marked", "abcdefg", 6, "abc…"},
		{"a character is not split", "aééé", 6, "aé…"},
		{"nor one of four bytes", "🚀🚀", 7, "🚀…"},
		{"a cut before the first character", "🚀🚀", 6, "…"},
		{"room for the mark alone", "abcd", 3, "…"},
		{"no room for the mark", "abcd", 2, ""},
		{"no room at all", "abcd", 0, ""},
		{"empty", "", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := plugpack.Cut(c.in, c.n); got != c.want {
				t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "plain", "a\x00b", "\u202ea\u200b", "\xff\xc3(", "插件 🚀\n\tx", "a\u2028\r\nb", strings.Repeat("é", 99)} {
		f.Add(s, 7)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		line, text := plugpack.Clean(s), plugpack.CleanText(s)
		for _, got := range []string{line, text} {
			if !utf8.ValidString(got) {
				t.Fatalf("%q is not UTF-8", got)
			}
			for _, r := range got {
				if r != '\n' && r != '\t' && (unicode.In(r, unicode.Cc, unicode.Cf) || r == utf8.RuneError) {
					t.Fatalf("%q keeps %U", got, r)
				}
			}
		}
		if strings.ContainsAny(line, "\n\t") || strings.Contains(line, "  ") || plugpack.Clean(line) != line {
			t.Fatalf("%q is not clean", line)
		}
		if plugpack.CleanText(text) != text {
			t.Fatalf("cleaning %q again changes it", text)
		}
		n = min(max(n, 0), 1<<16)
		cut := plugpack.Cut(line, n)
		if len(cut) > n || !utf8.ValidString(cut) {
			t.Fatalf("Cut(%q, %d) = %q", line, n, cut)
		}
		if len(line) <= n && cut != line {
			t.Fatalf("Cut(%q, %d) = %q though it fits", line, n, cut)
		}
		if head, marked := strings.CutSuffix(cut, "…"); marked && !strings.HasPrefix(line, head) {
			t.Fatalf("Cut(%q, %d) = %q is not its beginning", line, n, cut)
		}
	})
}
