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
	url  string
	cmd  *exec.Cmd
	log  string
	read int64 // of the log
}

// startGitHub starts the look-alike on a free port and waits for the line that
// it prints when it is ready. It works in the new folder dir.
func startGitHub(ctx context.Context, shared, dir string) (*gitHub, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "python3", filepath.Join(shared, "ghmirror", "ghmirror.py"),
		"--data", filepath.Join(shared, "corpus", "repos"), "--port", "0", "--token", token, "--work", dir, "--log", filepath.Join(dir, "requests.jsonl"))
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
			return &gitHub{url: "http" + strings.TrimSpace(address), cmd: cmd, log: filepath.Join(dir, "requests.jsonl")}, nil
		}
	}
	return nil, errors.Join(errors.New("the GitHub look-alike ended before it was ready"), cmd.Wait())
}

func (g *gitHub) stop() {
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	_ = g.cmd.Wait()
}

// advance makes a commit that writes one file.
func (g *gitHub) advance(ctx context.Context, repo, path, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := json.Marshal(map[string]any{"repo": repo, "changes": map[string]string{path: text}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+"_admin/advance", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("change %s at the GitHub look-alike: %w", repo, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("change %s at the GitHub look-alike: %s", repo, res.Status)
	}
	return nil
}
