// Package quality assesses a plugin: six dimensions of checks, each with its
// points, the reason for them, where that can be seen and how to get the rest.
//
// It is pure, and knows no time: a report is a function of Input alone, and its
// digest covers all of Input, so that the same digest and ruleset give the same
// report, byte for byte, whoever lists the plugin. What time adds, such as that a
// repository is archived, plugpack.Quality.Shown adds when a report is shown.
// docs/quality-report.md explains every check; a test holds it to the code.
package quality

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Input is all that a report rests on.
type Input struct {
	Name  string         `json:"name"` // of its entry
	Facts plugpack.Facts `json:"facts"`
	// Version is the one that the plugin's own manifest declares, and
	// EntryVersion the one that its entry does.
	Version      string `json:"version"`
	EntryVersion string `json:"entry_version"`
	Folder       Folder `json:"folder"`
}

// basis gives the input without what must not count: where and at which commit
// the plugin was seen.
func (in Input) basis() Input {
	f := &in.Facts
	f.Commit, f.Origin, f.Quality = "", "", nil
	if f.Source.Kind == plugpack.SourceRelative {
		f.Source.Path = ""
	}
	return in
}

func (in Input) digest() string {
	b, err := json.Marshal(in)
	if err != nil { // a frontmatter value that is no JSON, which the reader never makes
		b = fmt.Append(nil, in)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Assess gives the report on a plugin. It is nil when the plugin's files were
// not read: nothing is known then, which is neither 0 nor 100.
func Assess(in Input) *plugpack.Quality {
	if !known(in.Facts) {
		return nil
	}
	in = in.basis()
	q := plugpack.Quality{Ruleset: versionFor(in.Facts), Digest: in.digest()}
	for _, d := range dimensions {
		dimension := plugpack.Dimension{Name: d.name, Weight: d.weight}
		for _, r := range d.rules {
			dimension.Checks = append(dimension.Checks, r.check(in))
		}
		q.Dimensions = append(q.Dimensions, dimension)
	}
	q.Caps = capsOf(in.Facts)
	q = q.Reckoned()
	return &q
}

// known says whether the files were read, or told enough to know that no client
// can use them.
func known(f plugpack.Facts) bool {
	return f.State == plugpack.StateRead || f.State == plugpack.StateBroken && f.Digest != "" && unusable(f.Verdicts)
}

func unusable(v *plugpack.Verdicts) bool {
	return v != nil && (v.Installs != nil && !*v.Installs || v.Load == plugpack.LoadNone)
}

// Ruleset is the version of all checks, weights and caps together.
var Ruleset = sync.OnceValue(func() string {
	h := sha256.New()
	for _, d := range dimensions {
		fmt.Fprintf(h, "%s %g\n", d.name, d.weight)
		for _, r := range d.rules {
			fmt.Fprintf(h, "%s %d %g\n", r.id, r.version, r.max)
		}
	}
	for _, c := range caps {
		fmt.Fprintf(h, "%s %d\n", c.ID, c.Max)
	}
	fmt.Fprintln(h, plugpack.ActivityRules())
	return hex.EncodeToString(h.Sum(nil))[:12]
})

// versionFor names the rulesets that a report rests on: these checks, the rules
// of the security scan, and the client whose verdicts count.
func versionFor(f plugpack.Facts) string {
	parts := []string{Ruleset()}
	if f.Security != nil {
		parts = append(parts, "security "+f.Security.Ruleset)
	}
	if f.Verdicts != nil {
		parts = append(parts, "client "+f.Verdicts.Client)
	}
	return strings.Join(parts, ", ")
}

// Dimensions gives every dimension with its checks as a report on nothing has
// them, for whoever explains or lists them.
func Dimensions() []plugpack.Dimension {
	var all []plugpack.Dimension
	for _, d := range dimensions {
		list := plugpack.Dimension{Name: d.name, Weight: d.weight}
		if d.name == plugpack.MaintenanceDimension {
			list.Checks = append(list.Checks, plugpack.Activity)
		}
		for _, r := range d.rules {
			list.Checks = append(list.Checks, plugpack.Check{ID: r.id, Version: r.version, Title: r.title, Max: r.max})
		}
		all = append(all, list)
	}
	return all
}
