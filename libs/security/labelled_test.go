package security

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// sample is one labelled plugin.
type sample struct {
	name, want string // the rule that has to speak, or benign
	fs         fstest.MapFS
	secrets    []string // that were put in
}

const benign = "benign"

// samples reads a labelled set. Secrets, programs and invisible characters are
// put in here, so that none is in the repository.
func samples(t testing.TB, file string) (list []*sample) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*sample{}
	for _, f := range a.Files {
		parts := strings.SplitN(f.Name, " ", 3)
		if len(parts) != 3 {
			t.Fatalf("%s: %q is not name, label, path", file, f.Name)
		}
		s := byName[parts[0]]
		if s == nil {
			s = &sample{name: parts[0], want: parts[1], fs: fstest.MapFS{}}
			byName[s.name] = s
			list = append(list, s)
		}
		s.put(parts[2], string(f.Data))
	}
	return list
}

var marks = regexp.MustCompile(`\{\{([\w+]+)(?::([^}]*))?\}\}`)

func (s *sample) put(at, content string) {
	at = s.fill(at)
	entry := &fstest.MapFile{Data: []byte(s.fill(content)), Mode: 0o644}
	if target, ok := strings.CutPrefix(strings.TrimSpace(content), "{{link:"); ok {
		entry = &fstest.MapFile{Data: []byte(strings.TrimSuffix(target, "}}")), Mode: fs.ModeSymlink | 0o777}
	}
	s.fs[at] = entry
}

func (s *sample) fill(text string) string {
	return marks.ReplaceAllStringFunc(text, func(m string) string {
		parts := marks.FindStringSubmatch(m)
		kind, arg := parts[1], parts[2]
		if code, ok := strings.CutPrefix(kind, "U+"); ok {
			n, _ := strconv.ParseInt(code, 16, 32)
			return string(rune(n))
		}
		n, _ := strconv.Atoi(arg)
		switch kind {
		case "link", "submodule":
			return m
		case "tags":
			return strings.Map(func(r rune) rune { return r + 0xE0000 }, arg)
		case "selectors":
			return strings.Repeat("\uFE01", n)
		case "minified":
			return strings.Repeat("a=b(c);", n/7)
		case "png":
			return "\x89PNG\r\n\x1a\n\x00\x00"
		case "elf", "pe", "macho":
			return program(kind)
		case "zip", "tgz":
			return archive(kind, program(arg))
		}
		secret := madeUp(s.name, kind, n)
		s.secrets = append(s.secrets, secret)
		return secret
	})
}

func program(kind string) string {
	switch kind {
	case "pe":
		return "MZ" + strings.Repeat("\x00", 126) + "PE\x00\x00"
	case "macho":
		return "\xcf\xfa\xed\xfe\x07\x00\x00\x01"
	}
	return "\x7fELF\x02\x01\x01\x00"
}

func archive(kind, content string) string {
	var b bytes.Buffer
	if kind == "zip" {
		z := zip.NewWriter(&b)
		w, _ := z.Create("x/tool")
		_, _ = w.Write([]byte(content))
		_ = z.Close()
		return b.String()
	}
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	_ = w.WriteHeader(&tar.Header{Name: "x/tool", Mode: 0o755, Size: int64(len(content))})
	_, _ = w.Write([]byte(content))
	_, _ = w.Close(), g.Close()
	return b.String()
}

const alphanumeric = "abcdefghijkmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// madeUp gives a token of the kind's form, the same for the same sample.
func madeUp(sample, kind string, n int) string {
	r := rand.New(rand.NewPCG(uint64(crc32.ChecksumIEEE([]byte(sample))), uint64(crc32.ChecksumIEEE([]byte(kind)))))
	of := func(n int, letters string) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return string(b)
	}
	any := func(n int) string { return of(n-2, alphanumeric) + "q7" }
	hex := func(n int) string { return of(n, "0123456789abcdef") }
	summed := func(prefix string) string { body := any(30); return prefix + body + sum62(body) }
	switch kind {
	case "github":
		return summed("ghp_")
	case "npm":
		return summed("npm_")
	case "aws":
		return "AKIA" + of(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
	case "slack":
		return "xoxb-" + of(12, "0123456789") + "-" + any(24)
	case "slackhook":
		return "hooks.slack.com/services/T" + of(9, "ABCDEFGH0123456789") + "/B" + of(9, "ABCDEFGH0123456789") + "/" + any(24)
	case "anthropic":
		return "sk-ant-api03-" + any(93) + "AA"
	case "openai":
		return "sk-proj-" + any(60)
	case "google":
		return "AIza" + any(35)
	case "gitlab":
		return "glpat-" + any(20)
	case "sendgrid":
		return "SG." + any(22) + "." + any(43)
	case "huggingface":
		return "hf_" + of(34, alphanumeric[:50])
	case "stripe":
		return "sk_live_" + any(24)
	case "telegram":
		return of(10, "123456789") + ":AA" + any(33)
	case "pypi":
		return "pypi-AgEIcHlwaS5vcmc" + any(80)
	case "digitalocean":
		return "dop_v1_" + hex(64)
	case "jwt":
		part := base64.RawURLEncoding.EncodeToString
		return part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part([]byte(`{"sub":"u-`+hex(12)+`","role":"service"}`)) + "." + any(43)
	case "pem":
		line := any(64)
		return "-----BEGIN RSA " + "PRIVATE KEY-----\n" + line + "\n" + any(64) + "\n-----END RSA " + "PRIVATE KEY-----"
	case "random":
		return any(n)
	}
	panic("no such mark: " + kind)
}

// sum62 is written apart from the scanner's own, to hold it to the format.
func sum62(body string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	s := ""
	for n := crc32.ChecksumIEEE([]byte(body)); n > 0; n /= 62 {
		s = string(digits[n%62]) + s
	}
	return strings.Repeat("0", 6-len(s)) + s
}

// scan reads the sample as a plugin at the root of its repository.
func (s *sample) scan(t testing.TB) plugpack.Security {
	t.Helper()
	got, err := Scan(s.input())
	if err != nil {
		t.Fatal(s.name, err)
	}
	return got
}

func (s *sample) input() Input {
	in := Input{FS: s.fs, Dir: ".", Components: componentsOf(s.fs)}
	for at, f := range s.fs {
		mode := "100644"
		switch {
		case f.Mode&fs.ModeSymlink != 0:
			mode = modeLink
		case strings.HasPrefix(string(f.Data), "{{submodule"):
			mode = modeSubmodule
		}
		in.Files = append(in.Files, File{Path: at, Mode: mode, Size: int64(len(f.Data))})
	}
	slices.SortFunc(in.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return in
}

// componentsOf reads hooks and servers in the simplest form that the reader
// gives them in.
func componentsOf(files fstest.MapFS) (list []plugpack.Component) {
	var hooks struct {
		Hooks map[string][]struct {
			Matcher string
			Hooks   []plugpack.Handler
		}
	}
	if f := files["hooks/hooks.json"]; f != nil {
		if err := json.Unmarshal(f.Data, &hooks); err != nil {
			panic(err)
		}
	}
	for event, groups := range hooks.Hooks {
		k := plugpack.Component{Kind: plugpack.Hook, Name: event, Path: "hooks/hooks.json"}
		for _, g := range groups {
			for _, h := range g.Hooks {
				h.Matcher = g.Matcher
				k.Handlers = append(k.Handlers, h)
			}
		}
		list = append(list, k)
	}
	var servers struct {
		MCPServers map[string]struct {
			Command, URL string
			Args         []string
		}
	}
	if f := files[".mcp.json"]; f != nil {
		if err := json.Unmarshal(f.Data, &servers); err != nil {
			panic(err)
		}
	}
	for name, s := range servers.MCPServers {
		list = append(list, plugpack.Component{Kind: plugpack.MCP, Name: name, Path: ".mcp.json", Server: &plugpack.Server{Command: s.Command, Args: s.Args, URL: s.URL}})
	}
	slices.SortFunc(list, func(a, b plugpack.Component) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// tally counts what a family of rules got right.
type tally struct{ right, missed, wrong int }

func (c tally) precision() float64 { return ratio(c.right, c.right+c.wrong) }
func (c tally) recall() float64    { return ratio(c.right, c.right+c.missed) }

func ratio(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func family(rule string) string { name, _, _ := strings.Cut(rule, "."); return name }

// TestLabelled measures what findings of medium and high confidence get right:
// recall is over the samples that have to be found, precision counts every such
// finding in a benign sample against the family of its rule.
func TestLabelled(t *testing.T) {
	t.Parallel()
	for _, set := range []struct {
		file              string
		precision, recall float64 // floors
	}{{"develop", 0.95, 0.95}, {"heldout", 0.85, 0.80}, {"hard", 0.40, 0.07}} {
		t.Run(set.file, func(t *testing.T) {
			t.Parallel()
			list := samples(t, "testdata/"+set.file+".txtar")
			families, all := measure(t, list)
			var out strings.Builder
			fmt.Fprintf(&out, "%d samples\n%-12s %6s %6s %6s %9s %6s\n", len(list), "family", "right", "missed", "wrong", "precision", "recall")
			for _, name := range slices.Sorted(keys(families)) {
				c := families[name]
				fmt.Fprintf(&out, "%-12s %6d %6d %6d %9.2f %6.2f\n", name, c.right, c.missed, c.wrong, c.precision(), c.recall())
			}
			fmt.Fprintf(&out, "%-12s %6d %6d %6d %9.2f %6.2f", "all", all.right, all.missed, all.wrong, all.precision(), all.recall())
			t.Log(out.String())
			if all.precision() < set.precision || all.recall() < set.recall {
				t.Errorf("the floors are precision %.2f, recall %.2f", set.precision, set.recall)
			}
		})
	}
}

func measure(t *testing.T, list []*sample) (map[string]tally, tally) {
	families, all := map[string]tally{}, tally{}
	for _, s := range list {
		var spoke []string
		for _, f := range s.scan(t).Findings {
			if f.Confidence != plugpack.Low {
				spoke = append(spoke, f.Rule)
			}
		}
		if s.want != benign {
			c := families[family(s.want)]
			if slices.Contains(spoke, s.want) {
				c.right, all.right = c.right+1, all.right+1
			} else {
				c.missed, all.missed = c.missed+1, all.missed+1
				t.Logf("missed: %s %s, got %v", s.name, s.want, spoke)
			}
			families[family(s.want)] = c
			continue
		}
		for _, rule := range spoke {
			c := families[family(rule)]
			c.wrong, all.wrong = c.wrong+1, all.wrong+1
			families[family(rule)] = c
			t.Logf("wrong: %s %s", s.name, rule)
		}
	}
	return families, all
}
