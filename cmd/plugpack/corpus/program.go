package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/plugpack/plugpack/libs/api"
)

// program is a running plugpack.
type program struct {
	cmd    *exec.Cmd
	client *api.Client
	ended  chan error
	seen   int
}

var ready = regexp.MustCompile(`is on (http://\S+)`)

// up starts plugpack on data and waits for the line that gives its address.
func (c *corpus) up(ctx context.Context, data, sources string) (*program, error) {
	cmd := c.command(ctx, data, sources, "up")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start plugpack: %w", err)
	}
	p := &program{cmd: cmd, ended: make(chan error, 1)}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			p.client = api.NewClient(m[1])
			go func() {
				_, _ = io.Copy(io.Discard, out)
				p.ended <- cmd.Wait()
			}()
			return p, nil
		}
	}
	return nil, errors.Join(errors.New("plugpack ended before it was ready"), cmd.Wait())
}

// command makes a call of plugpack that sees nothing of this process's own
// configuration.
func (c *corpus) command(ctx context.Context, data, sources string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PORT=0", "PLUGPACK_DATA=" + data,
		"GITHUB_API_URL=" + c.github.url, "GITHUB_TOKEN=" + token, "PLUGPACK_SOURCES=" + sources, "RATE_LIMIT=100000", "DISCOVERY_INTERVAL=off",
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (p *program) kill() {
	if p.ended == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	p.ended = nil
}

// interrupt stops the program as Ctrl-C does.
func (p *program) interrupt() error {
	_ = p.cmd.Process.Signal(os.Interrupt)
	err := <-p.ended
	p.ended = nil
	if err != nil {
		return fmt.Errorf("plugpack did not stop cleanly: %w", err)
	}
	return nil
}

// marketplaces gives every marketplace the program knows.
func (p *program) marketplaces(ctx context.Context) (all []api.Marketplace, err error) {
	for {
		page, err := p.client.Marketplaces(ctx, url.Values{"limit": {"100"}, "skip": {strconv.Itoa(len(all))}})
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); len(page) < 100 {
			return all, nil
		}
	}
}

// plugins gives every plugin that matches q.
func plugins(ctx context.Context, client *api.Client, q url.Values) (all []api.Plugin, err error) {
	q.Set("limit", "100")
	q.Set("sort", "name")
	for {
		q.Set("skip", strconv.Itoa(len(all)))
		page, _, err := client.Plugins(ctx, q)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); len(page) < 100 {
			return all, nil
		}
	}
}

// waitPlugins returns when the catalog has at least n plugins.
func (c *corpus) waitPlugins(ctx context.Context, p *program, n int) error {
	return poll(ctx, func() (bool, error) {
		_, total, err := p.client.Plugins(ctx, url.Values{"limit": {"1"}})
		p.seen = total
		return total >= n, err
	})
}

// poll asks f ten times a second until it says true.
func poll(ctx context.Context, f func() (bool, error)) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := f()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
