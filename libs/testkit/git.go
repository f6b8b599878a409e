package testkit

import (
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// GitServer is a Git host that is no GitHub: Git's own server program, over
// HTTP.
type GitServer struct {
	// URL is the base address, without a trailing slash.
	URL string

	t    testing.TB
	root string
	mu   sync.Mutex
	log  []string
}

// Git starts a host without repositories.
func Git(t testing.TB) *GitServer {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatalf("the tests need git: %v", err)
	}
	g := &GitServer{t: t, root: t.TempDir()}
	backend := &cgi.Handler{
		Path: program, Args: []string{"http-backend"}, InheritEnv: []string{"PATH"},
		Env: append(gitEnv(), "GIT_PROJECT_ROOT="+g.root, "GIT_HTTP_EXPORT_ALL=1"), Stderr: io.Discard,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		g.mu.Lock()
		g.log = append(g.log, req.Method+" "+req.URL.Path)
		g.mu.Unlock()
		backend.ServeHTTP(w, req)
	}))
	g.URL = s.URL
	t.Cleanup(s.Close)
	return g
}

func gitEnv() []string {
	return []string{
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com",
	}
}

// Commit makes a commit with just these files in the repository, such as
// "group/tools", which is created if there is none. A name "path -> target" is a
// link. It gives the commit.
func (g *GitServer) Commit(repo string, files map[string]string) string {
	g.t.Helper()
	dir := filepath.Join(g.root, filepath.FromSlash(repo)+".git")
	if _, err := os.Stat(dir); err != nil {
		g.git(dir, "init", "-q", "--bare", "-b", "main", dir)
		g.git(dir, "config", "uploadpack.allowAnySHA1InWant", "true")
		g.git(dir, "config", "uploadpack.allowFilter", "true")
	}
	work := g.t.TempDir()
	for name, text := range files {
		path, target, link := strings.Cut(name, " -> ")
		at := filepath.Join(work, filepath.FromSlash(path))
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		if err == nil && link {
			err = os.Symlink(target, at)
		} else if err == nil {
			err = os.WriteFile(at, []byte(text), 0o644)
		}
		if err != nil {
			g.t.Fatal(err)
		}
	}
	g.git(dir, "--work-tree="+work, "add", "-A")
	g.git(dir, "--work-tree="+work, "commit", "-q", "--allow-empty", "-m", "A commit.")
	return g.git(dir, "rev-parse", "HEAD")
}

// Run runs git in the repository, for what only one test needs.
func (g *GitServer) Run(repo string, args ...string) string {
	g.t.Helper()
	return g.git(filepath.Join(g.root, filepath.FromSlash(repo)+".git"), args...)
}

func (g *GitServer) git(dir string, args ...string) string {
	g.t.Helper()
	if args[0] != "init" {
		args = append([]string{"--git-dir=" + dir}, args...)
	}
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), gitEnv()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		g.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Requests gives what was asked since the last call, as "METHOD path".
func (g *GitServer) Requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	log := g.log
	g.log = nil
	return log
}
