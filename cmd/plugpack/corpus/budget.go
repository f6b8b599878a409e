package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// request is one line of the look-alike's log.
type request struct {
	Kind     string `json:"kind"` // api, or what no limit counts
	Endpoint string `json:"endpoint"`
	Repo     string `json:"repo"`
	Status   int    `json:"status"`
	Counted  bool   `json:"counted"`
}

// spent is what was asked of one endpoint, or about one repository.
type spent struct{ requests, unchanged, counted, cut int }

func (s spent) plus(r request) spent {
	s.requests++
	if r.Status == 304 {
		s.unchanged++
	}
	if r.Counted {
		s.counted++
	}
	if r.Status == 499 { // not answered in time: the scan is made again
		s.cut++
	}
	return s
}

// budget is what one run cost. The state of the limit is asked about no
// repository and counts for nobody.
type budget struct {
	endpoints, repositories map[string]spent
	all                     spent
}

// budget reads what was logged since the last call.
func (g *gitHub) budget() (b budget, err error) {
	f, err := os.Open(g.log)
	if err != nil {
		return b, err
	}
	defer f.Close()
	if _, err := f.Seek(g.read, io.SeekStart); err != nil {
		return b, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return b, err
	}
	g.read += int64(len(text))
	b = budget{endpoints: map[string]spent{}, repositories: map[string]spent{}}
	for line := range strings.Lines(string(text)) {
		var r request
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return b, fmt.Errorf("read the look-alike's log: %w", err)
		}
		if r.Endpoint == "rate_limit" || r.Kind != "api" && r.Status != 499 {
			continue
		}
		b.endpoints[r.Endpoint] = b.endpoints[r.Endpoint].plus(r)
		repo := strings.ToLower(r.Repo)
		b.repositories[repo] = b.repositories[repo].plus(r)
		b.all = b.all.plus(r)
	}
	return b, nil
}

func (b budget) print(run string) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\trequests\tunchanged (304)\tcounted\n", run)
	for _, e := range slices.Sorted(maps.Keys(b.endpoints)) {
		s := b.endpoints[e]
		fmt.Fprintf(w, "  %s\t%d\t%d\t%d\n", e, s.requests, s.unchanged, s.counted)
	}
	fmt.Fprintf(w, "  all\t%d\t%d\t%d\n", b.all.requests, b.all.unchanged, b.all.counted)
	_ = w.Flush()
}

// within holds a run to the budget: of the repositories that changed, all of
// them for "", each may cost three counted requests, and every other one
// request, which is conditional and free.
func (b budget) within(changed string, repositories []string) error {
	for _, r := range repositories {
		s := b.repositories[strings.ToLower(r)]
		switch {
		case changed == "" || r == changed:
			if most := 3 * (1 + s.cut); s.counted < 1 || s.counted > most {
				return fmt.Errorf("%s changed and cost %d counted requests, want 1 to %d", r, s.counted, most)
			}
		case s != spent{requests: 1, unchanged: 1}:
			return fmt.Errorf("%s did not change and cost %d requests, %d of them counted; want one, answered 304 and free", r, s.requests, s.counted)
		}
	}
	return nil
}

// unchangedRun asks the running program to scan everything again.
func (c *corpus) unchangedRun(ctx context.Context, data string) error {
	return c.again(ctx, data, "second scan, nothing changed", "none")
}

// changedRun makes one commit to one marketplace and scans everything again.
func (c *corpus) changedRun(ctx context.Context, data string) error {
	changed := c.repositories[0]
	if err := c.github.advance(ctx, changed, "NOTES.md", "A commit."); err != nil {
		return err
	}
	return c.again(ctx, data, "third scan, "+changed+" changed", changed)
}

func (c *corpus) again(ctx context.Context, data, run, changed string) error {
	if _, err := c.github.budget(); err != nil { // what came before
		return err
	}
	out, err := c.command(ctx, data, "", append([]string{"scan"}, c.repositories...)...).CombinedOutput()
	// Repositories without a marketplace fail again, which is no error here.
	if err != nil && !strings.Contains(string(out), "scans failed") {
		return fmt.Errorf("%s: %w: %s", run, err, out)
	}
	b, err := c.github.budget()
	if err != nil {
		return err
	}
	b.print(run)
	return b.within(changed, c.repositories)
}
