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

// printTotals says what the plugins are, by kind of source, by state, by what
// the client makes of them and by component. A plugin without a state, or one
// that was read and has no verdicts or no security scan, is an error.
func printTotals(ctx context.Context, client *api.Client) error {
	ps, err := plugins(ctx, client, url.Values{})
	if err != nil {
		return err
	}
	sources, states, loads, components, faults := tally{}, tally{}, tally{}, tally{}, tally{}
	scans, findings := tally{}, tally{}
	both := tally{}
	for _, p := range ps {
		page, _, err := client.Plugin(ctx, p.Slug)
		if err != nil {
			return fmt.Errorf("read %s: %w", p.Slug, err)
		}
		if page.State == plugpack.StateNotReadYet {
			return fmt.Errorf("%s is at rest and not read yet: %s", p.Key, page.StateReason)
		}
		if page.State != plugpack.StateRead && page.StateReason == "" {
			return fmt.Errorf("%s is %s without a reason", p.Key, page.State)
		}
		if page.State == "" || page.State == plugpack.StateRead && (page.Verdicts == nil || page.Costs == nil) {
			return fmt.Errorf("%s has no state, or was read and has no verdicts", p.Key)
		}
		sources[string(page.Source.Kind)]++
		states[string(page.State)]++
		both[string(page.Source.Kind)+" "+string(page.State)]++
		for _, c := range page.Components {
			components[string(c.Kind)]++
		}
		if err := countFindings(ctx, client, page, scans, findings); err != nil {
			return err
		}
		if page.Verdicts == nil {
			continue
		}
		loads[string(page.Verdicts.Load)]++
		for _, f := range page.Verdicts.Faults {
			faults[string(f.Severity)+" "+f.Code]++
		}
	}
	fmt.Printf("%d plugins by source: %s\n  by state: %s\n  by source and state: %s\n  loading: %s\n  components: %s\n  found by the client's check: %s\n  security scans: %s\n  security findings by rule: %s\n\n",
		len(ps), sources, states, both, loads, components, faults, scans, findings)
	return nil
}

// countFindings counts the states of security scans and their findings by rule
// and confidence.
func countFindings(ctx context.Context, client *api.Client, page api.PluginPage, scans, findings tally) error {
	r, err := client.Report(ctx, page.ID)
	if err != nil {
		return fmt.Errorf("read the report of %s: %w", page.Slug, err)
	}
	state := r.Security.State
	if page.State == plugpack.StateRead && (state == plugpack.NotScanned || state == plugpack.ScanError) {
		return fmt.Errorf("%s was read, and its security scan is %q: %s", page.Key, state, r.Security.Reason)
	}
	scans[state.String()]++
	for _, f := range r.Security.Findings {
		findings[fmt.Sprintf("%s (%s)", f.Rule, f.Confidence)]++
	}
	return nil
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
