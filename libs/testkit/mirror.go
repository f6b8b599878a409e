package testkit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Mirror is a look-alike of GitHub that is no part of this repository, running
// without a repository of its own.
type Mirror struct {
	// URL is the base address, with a trailing slash.
	URL string
	// Log is the file of its requests, one JSON object a line.
	Log string

	t testing.TB
}

// StartMirror starts the look-alike in the folder that PLUGPACK_SHARED names, or
// beside this repository, with further arguments. ok is false where there is
// none: a test that needs it says so and skips.
func StartMirror(t testing.TB, args ...string) (m *Mirror, ok bool) {
	t.Helper()
	script := mirrorScript()
	python, err := exec.LookPath("python3")
	if err != nil || script == "" {
		return nil, false
	}
	dir := t.TempDir()
	data, work, log := filepath.Join(dir, "data"), filepath.Join(dir, "work"), filepath.Join(dir, "requests.jsonl")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, append([]string{script, "--data", data, "--port", "0", "--work", work, "--log", log}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, at, found := strings.Cut(lines.Text(), " on http"); found {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return &Mirror{URL: "http" + strings.TrimSpace(at), Log: log, t: t}, true
		}
	}
	t.Fatal("the look-alike of GitHub ended before it was ready")
	return nil, false
}

// mirrorScript looks above the package that is tested.
func mirrorScript() string {
	folders := []string{os.Getenv("PLUGPACK_SHARED")}
	if folders[0] == "" {
		folders = nil
		for up, n := "..", 0; n < 8; up, n = filepath.Join(up, ".."), n+1 {
			folders = append(folders, filepath.Join(up, "shared"))
		}
	}
	for _, f := range folders {
		script := filepath.Join(f, "ghmirror", "ghmirror.py")
		if _, err := os.Stat(script); err == nil {
			return script
		}
	}
	return ""
}

// Admin calls a route below /_admin/ and gives its answer.
func (m *Mirror) Admin(route string, body map[string]any) (answer []byte) {
	m.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		m.t.Fatal(err)
	}
	res, err := http.Post(m.URL+"_admin/"+route, "application/json", bytes.NewReader(b))
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, _ = io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		m.t.Fatalf("_admin/%s: %s: %s", route, res.Status, answer)
	}
	return answer
}
