package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// totals are what the plugins are, counted.
type totals struct {
	sources, states, both               tally
	loads, components, faults           tally
	scans, findings, severities         tally
	scores, maintenance, brings, capped tally
}

func newTotals() totals {
	return totals{
		tally{}, tally{}, tally{}, tally{}, tally{}, tally{}, tally{}, tally{}, tally{}, tally{}, tally{}, tally{}, tally{},
	}
}

// cutShort is what the scraper says of an archive that the look-alike begins and
// does not end: that of a commit of which it holds no files.
const cutShort = "the archive cannot be read to its end"

// printTotals says what the plugins are: by kind of source, by state, by what
// the client makes of them, by component, by what the security scan found and by
// score. A plugin without a state, or one that was read and has no verdicts, scan
// or report, is an error.
func printTotals(ctx context.Context, client *api.Client) error {
	ps, err := plugins(ctx, client, url.Values{})
	if err != nil {
		return err
	}
	t, cut := newTotals(), 0
	for _, p := range ps {
		page, _, err := client.Plugin(ctx, p.Slug)
		if err != nil {
			return fmt.Errorf("read %s: %w", p.Slug, err)
		}
		report, err := client.Report(ctx, p.ID)
		if err != nil {
			return fmt.Errorf("read the report of %s: %w", p.Slug, err)
		}
		switch {
		case page.State == plugpack.StateNotReadYet && strings.Contains(page.StateReason, cutShort):
			cut++
		case page.State == plugpack.StateNotReadYet:
			return fmt.Errorf("%s is at rest and not read yet: %s", p.Key, page.StateReason)
		case page.State != plugpack.StateRead && page.StateReason == "":
			return fmt.Errorf("%s is %s without a reason", p.Key, page.State)
		case page.State == "", page.State == plugpack.StateRead && (page.Verdicts == nil || page.Costs == nil || page.Score == nil || report.Security.Ruleset == ""):
			return fmt.Errorf("%s has no state, or was read and has no verdicts, scan or report", p.Key)
		}
		t.add(page, report)
	}
	if cut > 0 {
		fmt.Printf("%d plugins are at commits of which the look-alike has no files, and will be tried again\n", cut)
	}
	fmt.Printf("%d plugins by source: %s\n  by state: %s\n  by source and state: %s\n  loading: %s\n  components: %s\n  found by the client's check: %s\n",
		len(ps), t.sources, t.states, t.both, t.loads, t.components, t.faults)
	fmt.Printf("  security scans: %s\n  findings by severity: %s\n  findings by rule: %s\n", t.scans, t.severities, t.findings)
	fmt.Printf("  scores: %s\n  capped: %s\n  maintenance: %s\n  bring: %s\n\n", t.scores.byName(), t.capped, t.maintenance, t.brings)
	return nil
}

func (t totals) add(page api.PluginPage, report api.Report) {
	t.sources[string(page.Source.Kind)]++
	t.states[string(page.State)]++
	t.both[string(page.Source.Kind)+" "+string(page.State)]++
	t.maintenance[string(page.Maintenance)]++
	for _, c := range page.Components {
		t.components[string(c.Kind)]++
	}
	if page.Verdicts != nil {
		t.loads[string(page.Verdicts.Load)]++
		for _, f := range page.Verdicts.Faults {
			t.faults[string(f.Severity)+" "+f.Code]++
		}
	}
	t.scans[report.Security.State.String()]++
	for _, f := range report.Security.Findings {
		t.findings[f.Rule]++
		t.severities[string(f.Severity)+" of "+string(f.Confidence)+" confidence"]++
	}
	if page.Score == nil {
		t.scores["none"]++
	} else {
		t.scores[fmt.Sprintf("%02d–%02d", *page.Score/10*10, *page.Score/10*10+9)]++
	}
	for _, c := range report.Caps {
		t.capped[c.ID]++
	}
	d := page.Documents
	for name, there := range map[string]bool{"readme": d.Readme != nil, "licence": d.License != nil, "changelog": d.Changelog != nil} {
		if there {
			t.brings[name]++
		}
	}
}

// tally counts by name.
type tally map[string]int

// String lists the counts, the largest first.
func (c tally) String() string {
	names := slices.Sorted(maps.Keys(c))
	slices.SortStableFunc(names, func(a, b string) int { return c[b] - c[a] })
	var parts []string
	for _, n := range names {
		parts = append(parts, fmt.Sprintf("%s %d", n, c[n]))
	}
	return strings.Join(parts, ", ")
}

// byName lists the counts by name.
func (c tally) byName() string {
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, fmt.Sprintf("%s %d", n, c[n]))
	}
	return strings.Join(parts, ", ")
}
