package outage

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(0, 0)
	l := New("thing", "slower", slog.New(slog.NewTextHandler(&out, nil)))
	l.now = func() time.Time { return now }
	lines := func() int { return strings.Count(out.String(), "\n") }
	report := func(n int, err error) {
		for range n {
			l.Report(t.Context(), err)
		}
	}
	for _, step := range []struct {
		name  string
		do    func()
		lines int // in all
	}{
		{"all is well", func() { report(5, nil) }, 0},
		{"it goes away", func() { report(50, errors.New("gone")) }, 1},
		{"it stays away", func() { now = now.Add(every); report(50, errors.New("gone")) }, 2},
		{"it is back", func() { report(5, nil) }, 3},
		{"it goes away again", func() { report(5, errors.New("gone")) }, 4},
	} {
		step.do()
		if got := lines(); got != step.lines {
			t.Errorf("%s: %d lines, want %d\n%s", step.name, got, step.lines, out.String())
		}
	}
	if !l.Resting() {
		t.Error("it is asked again at once")
	}
	if now = now.Add(rest); l.Resting() {
		t.Error("it is not asked again")
	}
	if !strings.Contains(out.String(), "failures=50") {
		t.Errorf("no line counts the failures:\n%s", out.String())
	}
}
