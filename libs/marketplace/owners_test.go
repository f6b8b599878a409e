package marketplace

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestOwners(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"logins and remarks": {"# whose this is\nAnn\n@bea-2 # and hers\nann\n", []string{"ann", "bea-2"}},
		"nonsense":           {"-x\nx-\na b\n<script>\n\x00\n" + strings.Repeat("x", 40) + "\n", nil},
		"too many":           {strings.Repeat("a\nb\nc\n", 1) + many(30), append([]string{"a", "b", "c"}, strings.Fields(many(17))...)},
		"too large":          {"ann\n" + strings.Repeat("#\n", 16<<10), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Owners(fstest.MapFS{OwnersFile: {Data: []byte(c.file)}})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
	if got := Owners(fstest.MapFS{}); got != nil {
		t.Fatalf("no file: %v", got)
	}
}

// many gives n lines with a login each.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("user" + strings.Repeat("x", i+1) + "\n")
	}
	return b.String()
}
