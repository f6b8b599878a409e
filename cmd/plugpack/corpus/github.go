package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const token = "corpus"

// gitHub is the look-alike, running.
type gitHub struct {
	url string
	cmd *exec.Cmd
}

// startGitHub starts the look-alike on a free port and waits for the line that
// it prints when it is ready.
func startGitHub(ctx context.Context, shared, work string) (*gitHub, error) {
	dir := filepath.Join(work, "github")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "python3", filepath.Join(shared, "ghmirror", "ghmirror.py"),
		"--data", filepath.Join(shared, "corpus", "repos"), "--port", "0", "--token", token, "--work", dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the GitHub look-alike, which needs python3: %w", err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), " on http"); ok {
			go func() {
				for lines.Scan() { // an unread pipe would stop it
				}
			}()
			return &gitHub{url: "http" + strings.TrimSpace(address), cmd: cmd}, nil
		}
	}
	return nil, errors.Join(errors.New("the GitHub look-alike ended before it was ready"), cmd.Wait())
}

func (g *gitHub) stop() {
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	_ = g.cmd.Wait()
}

// counts are the look-alike's own, of API requests.
type counts struct {
	Requests     int            `json:"requests"`
	Counted      int            `json:"counted"`
	Conditional  int            `json:"conditional"`
	NotModified  int            `json:"not_modified"`
	ByRepository map[string]int `json:"by_repo"`
}

func (g *gitHub) counts(ctx context.Context) (c counts, err error) {
	return c, g.call(ctx, http.MethodGet, "_admin/counts", &c)
}

func (g *gitHub) reset(ctx context.Context) error {
	return g.call(ctx, http.MethodPost, "_admin/reset-counts", nil)
}

func (g *gitHub) call(ctx context.Context, method, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, g.url+path, bytes.NewReader([]byte("{}")))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the GitHub look-alike: %w", err)
	}
	defer res.Body.Close()
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("ask the GitHub look-alike for %s: %w", path, err)
	}
	return nil
}
