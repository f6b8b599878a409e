package github

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/plugpack/plugpack/libs/errs"
)

// The last tenth of the core limit is for those who are in a hurry.
func TestReserve(t *testing.T) {
	t.Parallel()
	c, g, clk := timed(t)
	g.LimitCore(100, 80)
	ask := func() error {
		_, _, err := c.Repository(t.Context(), "acme/tools", "")
		return err
	}
	for i := range 11 { // the eleventh leaves nine, and only then it is known
		if err := ask(); err != nil {
			t.Fatalf("question %d: %v", i, err)
		}
	}
	err := ask()
	if errs.KindOf(err) != errs.TooMany || !strings.Contains(err.Error(), "urgent") || errs.RetryAfter(err) < 55*time.Minute {
		t.Fatalf("got %v", err)
	}
	if err := c.Reachable(t.Context()); errs.KindOf(err) != errs.TooMany || !strings.Contains(err.Error(), "urgent") {
		t.Errorf("the schedule is told %v", err)
	}
	for i := range 9 {
		if _, _, err := c.Repository(Urgent(t.Context()), "acme/tools", ""); err != nil {
			t.Fatalf("urgent question %d: %v", i, err)
		}
	}
	n := len(g.Requests())
	if _, _, err := c.Repository(Urgent(t.Context()), "acme/tools", ""); errs.KindOf(err) != errs.TooMany || len(g.Requests()) != 0 {
		t.Errorf("after all are used: %v", err)
	}
	if n != 21 { // and the one of the schedule
		t.Errorf("asked %d times", n)
	}
	_ = clk.Wait(t.Context(), 61*time.Minute)
	if err := ask(); err != nil {
		t.Errorf("in the next hour: %v", err)
	}
}

// A question that nothing has changed since costs nothing.
func TestUnchangedIsFree(t *testing.T) {
	t.Parallel()
	c, g, _ := timed(t)
	g.LimitCore(100, 0)
	r, _, err := c.Repository(t.Context(), "acme/tools", "")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, ok, err := c.Repository(t.Context(), "acme/tools", r.ETag); ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if left := c.limits.get(core).Remaining; left != 99 {
		t.Errorf("%d of 100 are left", left)
	}
	if got := c.HourlyLimit(); got != 100 {
		t.Errorf("the limit is %d", got)
	}
}

func TestHourlyLimitBeforeTheFirstAnswer(t *testing.T) {
	t.Parallel()
	g := server(t)
	for token, want := range map[string]int{"": 60, "T1": 5000} {
		if got := client(t, g.URL, token).HourlyLimit(); got != want {
			t.Errorf("token %q: %d, want %d", token, got, want)
		}
	}
}

// Answers overtake each other.
func TestOlderStandingIsDropped(t *testing.T) {
	t.Parallel()
	l := limits{metrics: NewMetrics(nil)}
	for _, s := range []standing{{100, 50, 1000}, {100, 60, 1000}, {100, 99, 900}} {
		l.saw(core, s)
	}
	if got := l.get(core).standing; got != (standing{100, 50, 1000}) {
		t.Errorf("got %+v", got)
	}
	l.saw(core, standing{100, 99, 4600})
	if got := l.get(core).Remaining; got != 99 {
		t.Errorf("the next window has %d left", got)
	}
}

func TestHostileLimits(t *testing.T) {
	t.Parallel()
	l := limits{metrics: NewMetrics(nil)}
	l.saw(core, standing{100, 0, 1 << 60})
	if wait, _ := l.check(core, true, time.Now()); wait > maxWait {
		t.Errorf("waits %s", wait)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	g, reg := server(t), prometheus.NewRegistry()
	g.LimitCore(100, 0)
	c, err := New(Options{BaseURL: g.URL, Token: "T1", Metrics: NewMetrics(reg)})
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := c.Repository(t.Context(), "acme/tools", "")
	if err != nil {
		t.Fatal(err)
	}
	_, _, _ = c.Repository(t.Context(), "acme/tools", r.ETag)
	c.limits.block(core, time.Now().Add(time.Hour), reasonPause)
	_, _, _ = c.Repository(t.Context(), "acme/tools", "")
	host := c.base.Host
	want := `
# HELP plugpack_github_requests_total Requests to GitHub's API by the status of the answer, 0 for none.
# TYPE plugpack_github_requests_total counter
plugpack_github_requests_total{conditional="false",resource="core",status="200"} 1
plugpack_github_requests_total{conditional="true",resource="core",status="304"} 1
# HELP plugpack_github_waits_total Times that a question to GitHub was told to wait.
# TYPE plugpack_github_waits_total counter
plugpack_github_waits_total{reason="pause"} 1
# HELP plugpack_github_remaining Requests that are left of the window.
# TYPE plugpack_github_remaining gauge
plugpack_github_remaining{host="` + host + `",resource="core"} 99
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "plugpack_github_requests_total", "plugpack_github_waits_total", "plugpack_github_remaining"); err != nil {
		t.Error(err)
	}
}
