package plugpack_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
)

func report(checks ...plugpack.Check) plugpack.Quality {
	return plugpack.Quality{Dimensions: []plugpack.Dimension{
		{Name: "manifest", Weight: 3, Checks: checks},
		{Name: plugpack.MaintenanceDimension, Weight: 1, Checks: []plugpack.Check{{Outcome: plugpack.Passed, Points: 10, Max: 10}}},
	}}.Reckoned()
}

func TestReckoned(t *testing.T) {
	t.Parallel()
	passed := plugpack.Check{Outcome: plugpack.Passed, Points: 5, Max: 5}
	for _, c := range []struct {
		name   string
		checks []plugpack.Check
		caps   []plugpack.Cap
		want   int
	}{
		{"all points are 100", []plugpack.Check{passed}, nil, 100},
		{"a dimension counts by its weight", []plugpack.Check{{Outcome: plugpack.NotPassed, Max: 5}}, nil, 25},
		{"what does not apply is not counted", []plugpack.Check{passed, {Outcome: plugpack.NotApplicable, Max: 95}}, nil, 100},
		{"a dimension in which nothing applies is not counted", []plugpack.Check{{Outcome: plugpack.NotApplicable, Max: 5}}, nil, 100},
		{"what is not known earns nothing", []plugpack.Check{passed, {Outcome: plugpack.NotKnown, Max: 5}}, nil, 63},
		{"the lowest cap holds", []plugpack.Check{passed}, []plugpack.Cap{{Max: 60}, {Max: 40}, {Max: 70}}, 40},
		{"almost all is not all", []plugpack.Check{{Outcome: plugpack.PartlyPassed, Points: 4.999, Max: 5}}, nil, 99},
	} {
		q := report(c.checks...)
		q.Caps = c.caps
		if got := q.Reckoned().Score; got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := (plugpack.Quality{}).Reckoned().Score; got != 0 {
		t.Errorf("a report without checks has %d", got)
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	q := report(plugpack.Check{Outcome: plugpack.Passed, Points: 5, Max: 5})
	before := report(plugpack.Check{Outcome: plugpack.Passed, Points: 5, Max: 5})
	want := map[plugpack.Maintenance]int{
		plugpack.Active: 100, plugpack.Maintained: 98, plugpack.Slow: 93, plugpack.Stale: 60, plugpack.Archived: 30, plugpack.MaintenanceUnknown: 88,
	}
	if diff := cmp.Diff(want, q.Scores()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(before, q); diff != "" {
		t.Errorf("showing a report changed it:\n%s", diff)
	}
	shown := q.Shown(plugpack.Archived)
	if c := shown.Dimensions[1].Checks[0]; c.ID != plugpack.Activity.ID || c.Outcome != plugpack.NotPassed || c.Fix == "" {
		t.Errorf("got %+v", c)
	}
	if len(shown.Caps) != 1 || shown.Caps[0].ID != "archived" {
		t.Errorf("caps %+v", shown.Caps)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	var none *plugpack.Security
	if got := none.Counts(); got != (plugpack.FindingCounts{}) || got.State != plugpack.NotScanned {
		t.Errorf("no scan counts as %+v", got)
	}
	s := plugpack.Security{State: plugpack.PartlyScanned, Findings: []plugpack.Finding{
		{Severity: plugpack.Critical}, {Severity: plugpack.High}, {Severity: plugpack.High}, {Severity: plugpack.Medium}, {Severity: plugpack.Low},
	}}
	want := plugpack.FindingCounts{State: plugpack.PartlyScanned, Critical: 1, High: 2, Medium: 1, Low: 1}
	if got := s.Counts(); got != want || got.Total() != 5 {
		t.Errorf("got %+v", got)
	}
}

func TestLicense(t *testing.T) {
	t.Parallel()
	p := plugpack.Plugin{Marketplace: plugpack.MarketplaceRef{License: "MIT"}}
	if got := p.License(); got != "MIT" {
		t.Errorf("got %s, want the repository's", got)
	}
	p.Facts.Documents.License = &plugpack.LicenseFile{SPDX: "ISC"}
	if got := p.License(); got != "ISC" {
		t.Errorf("got %s, want the file's", got)
	}
	if p.Facts.License = "BSD-3-Clause"; p.License() != "BSD-3-Clause" {
		t.Errorf("got %s, want the declared one", p.License())
	}
}
