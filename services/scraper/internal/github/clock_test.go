package github

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/testkit"
)

// clock is a time that passes only when somebody waits.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	waited []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.waited = c.now.Add(d), append(c.waited, d)
	return ctx.Err()
}

// timed gives a client and a server with one clock.
func timed(t *testing.T) (*Client, *testkit.GitHubServer, *clock) {
	t.Helper()
	g, clk := server(t), &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	g.SetNow(clk.Now)
	c, err := New(Options{BaseURL: g.URL, Token: "T1", Now: clk.Now, Wait: clk.Wait})
	if err != nil {
		t.Fatal(err)
	}
	return c, g, clk
}
