package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// row is one marketplace's line of the table.
type row struct {
	api.Marketplace
	searchable int
	seconds    float64
	scanned    bool
}

// waitScanned returns when every repository was scanned and every plugin of a
// marketplace is in the catalog and found by a search for its name.
func (c *corpus) waitScanned(ctx context.Context, p *program, start time.Time) ([]row, error) {
	rows := map[string]*row{}
	for _, r := range c.repositories {
		rows["github.com/"+strings.ToLower(r)] = &row{}
	}
	err := poll(ctx, func() (bool, error) {
		all, err := p.marketplaces(ctx)
		if err != nil {
			return false, err
		}
		open := len(rows)
		for _, m := range all {
			r, ours := rows[m.Key]
			if !ours {
				continue
			}
			complete := m.State == plugpack.ScanFailed || m.State == plugpack.ScanDone && m.Plugins+len(m.Skipped) >= m.Entries
			if complete {
				open--
			}
			if complete && !r.scanned {
				r.Marketplace, r.scanned, r.seconds = m, true, time.Since(start).Seconds()
			}
		}
		return open == 0, nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w; not scanned to the end: %v", err, unscanned(rows))
	}
	var list []row
	for _, r := range rows {
		if r.searchable, err = searchable(ctx, p.client, r.Key); err != nil {
			return nil, err
		}
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b row) int { return cmp.Compare(a.Key, b.Key) })
	return list, nil
}

func unscanned(rows map[string]*row) []string {
	var keys []string
	for k, r := range rows {
		if !r.scanned {
			keys = append(keys, k)
		}
	}
	return keys
}

// searchable counts the marketplace's plugins that a search for their own name
// finds.
func searchable(ctx context.Context, client *api.Client, key string) (n int, err error) {
	ps, err := plugins(ctx, client, url.Values{"marketplace": {key}})
	if err != nil {
		return 0, err
	}
	for _, p := range ps {
		s, err := client.Search(ctx, url.Values{"q": {p.Name}, "marketplace": {key}, "limit": {"100"}})
		if err != nil {
			return 0, fmt.Errorf("search %q: %w", p.Name, err)
		}
		if slices.ContainsFunc(s.Plugins, func(found api.Plugin) bool { return found.ID == p.ID }) {
			n++
		}
	}
	return n, nil
}

func printTable(rows []row) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "marketplace\tentries\tin catalog\tskipped\tsearchable\tseconds\tstate")
	var entries, listed, skipped, found int
	for _, r := range rows {
		state := string(r.State)
		if r.LastError != "" {
			state += ": " + plugpack.Cut(r.LastError, 90)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.1f\t%s\n", strings.TrimPrefix(r.Key, "github.com/"), r.Entries, r.Plugins, len(r.Skipped), r.searchable, r.seconds, state)
		entries, listed, skipped, found = entries+r.Entries, listed+r.Plugins, skipped+len(r.Skipped), found+r.searchable
	}
	fmt.Fprintf(w, "all %d\t%d\t%d\t%d\t%d\t\t\n", len(rows), entries, listed, skipped, found)
	_ = w.Flush()
	for _, r := range rows {
		for _, s := range r.Skipped {
			fmt.Printf("skipped: %s entry %d %q: %s\n", r.Key, s.Index, s.Name, s.Reason)
		}
	}
}

// accounted says which marketplaces have entries that are neither in the
// catalog, nor skipped with a reason, nor in a file that was refused whole with
// its reason; and which plugins cannot be found by their own name.
func accounted(rows []row) error {
	var problems []error
	for _, r := range rows {
		if missing := r.Entries - r.Plugins - len(r.Skipped); missing != 0 && (r.State != plugpack.ScanFailed || r.LastError == "") {
			problems = append(problems, fmt.Errorf("%s: %d entries are not accounted for", r.Key, missing))
		}
		if r.searchable != r.Plugins {
			problems = append(problems, fmt.Errorf("%s: %d of %d plugins are not found by their own name", r.Key, r.Plugins-r.searchable, r.Plugins))
		}
	}
	return errors.Join(problems...)
}

// dump is the catalog's content in a fixed order, without what names an
// occasion rather than a state: ids, times and revisions; and without what is
// read from Markdown. The look-alike makes that up for each blob, and a blob that
// two repositories share gets the text of the one that was asked for first.
type dump []string

func readDump(ctx context.Context, client *api.Client) (dump, error) {
	ps, err := plugins(ctx, client, url.Values{})
	if err != nil {
		return nil, err
	}
	var d dump
	for _, p := range ps {
		page, _, err := client.Plugin(ctx, p.Slug)
		if err != nil {
			return nil, err
		}
		page.ID, page.Marketplace.ID, page.Revision, page.FirstSeen, page.UpdatedAt = "", "", 0, time.Time{}, time.Time{}
		page.Digest, page.Score, page.Findings, page.Documents = "", nil, plugpack.FindingCounts{}, plugpack.Documents{}
		for i := range page.Components {
			page.Components[i].Name, page.Components[i].Description = "", ""
		}
		b, err := json.Marshal(page)
		if err != nil {
			return nil, err
		}
		d = append(d, string(b))
	}
	ms, err := (&program{client: client}).marketplaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range ms {
		m.ID, m.ScannedAt, m.FailedAt = "", time.Time{}, time.Time{}
		b, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		d = append(d, string(b))
	}
	slices.Sort(d)
	return d, nil
}

// diff shows up to ten lines that only one of the dumps has, each from a little
// before the place where it leaves its counterpart.
func (d dump) diff(other dump) string {
	missing, extra := without(d, other), without(other, d)
	var lines []string
	for i := range max(len(missing), len(extra)) {
		var a, b string
		if i < len(missing) {
			a = missing[i]
		}
		if i < len(extra) {
			b = extra[i]
		}
		from := 0
		for from < min(len(a), len(b)) && a[from] == b[from] {
			from++
		}
		for _, side := range []struct{ mark, line string }{{"-", a}, {"+", b}} {
			head, rest := plugpack.Cut(side.line, 100), side.line[min(max(from-80, 0), len(side.line)):]
			lines = append(lines, side.mark+" "+head+" … "+strings.ToValidUTF8(plugpack.Cut(rest, 300), ""))
		}
	}
	return strings.Join(lines[:min(len(lines), 10)], "\n")
}

// without gives the lines of d that other, which is sorted, lacks.
func without(d, other dump) (lines []string) {
	for _, line := range d {
		if _, found := slices.BinarySearch(other, line); !found {
			lines = append(lines, line)
		}
	}
	return lines
}
