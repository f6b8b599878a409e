package emptygit_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/services/catalog/internal/rest/emptygit"
)

// git runs the real Git, away from the user's own settings.
func git(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "HOME="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestRealGit(t *testing.T) {
	t.Parallel()
	const at = "/api/git/empty.git"
	s := httptest.NewServer(emptygit.Handler(at))
	t.Cleanup(s.Close)
	if emptygit.Commit != "42b4532daef0a268c9bb4d1a657dbdbd9b276791" {
		t.Errorf("the commit is %s: packs that are out there would not find theirs", emptygit.Commit)
	}
	for _, version := range []string{"0", "2"} {
		for name, clone := range map[string][]string{
			"whole":                          {"clone", "-q"},
			"shallow, as the client does":    {"clone", "-q", "--depth", "1", "--recurse-submodules", "--shallow-submodules", "--no-checkout"},
			"without trees, as for a folder": {"clone", "-q", "--depth", "1", "--filter=tree:0", "--no-checkout"},
		} {
			t.Run(name+", version "+version, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				protocol := []string{"-c", "protocol.version=" + version}
				args := append(append(protocol, clone...), "--", s.URL+at, "x")
				if out, err := git(t, dir, args...); err != nil {
					t.Fatalf("clone: %v\n%s", err, out)
				}
				x := filepath.Join(dir, "x")
				for _, args := range [][]string{
					{"fetch", "-q", "--depth", "1", "origin", emptygit.Commit}, {"checkout", "-q", emptygit.Commit}, {"fsck", "--strict"},
				} {
					if out, err := git(t, x, append(protocol, args...)...); err != nil {
						t.Fatalf("%v: %v\n%s", args, err, out)
					}
				}
				if b, err := os.ReadFile(filepath.Join(x, "README.md")); err != nil || !strings.Contains(string(b), "Nothing here") {
					t.Fatalf("%s, %v", b, err)
				}
				out, err := git(t, x, append(protocol, "fetch", "-q", "--depth", "1", "origin", strings.Repeat("a", 40))...)
				if err == nil {
					t.Fatalf("a commit that is not there was fetched: %s", out)
				}
			})
		}
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	h := emptygit.Handler("/g")
	for _, c := range []struct {
		method, path, body, encoding string
		want                         int
	}{
		{"GET", "/g/info/refs", "", "", 403},
		{"GET", "/g/info/refs?service=git-receive-pack", "", "", 403},
		{"POST", "/g/git-upload-pack", "xxxx", "", 400},
		{"POST", "/g/git-upload-pack", "00ffshort", "", 400},
		{"POST", "/g/git-upload-pack", "0032want", "gzip", 400},
		{"GET", "/g/HEAD", "", "", 404},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Encoding", c.encoding)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s %q: %d %s, want %d", c.method, c.path, c.body, w.Code, w.Body, c.want)
		}
	}
}
