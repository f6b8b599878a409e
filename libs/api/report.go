package api

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Report is what a look at a plugin's files gave: how good it is, point by
// point, and what a person should look at before trusting it.
type Report struct {
	ID          string               `json:"id" format:"uuid"`
	Slug        string               `json:"slug" pattern:"^[a-z0-9-]+$" example:"acme-tools-deploy"`
	State       plugpack.State       `json:"state" enum:"read,not read yet,missing,broken,unsupported"`
	StateReason string               `json:"state_reason,omitempty" example:"the folder plugins/deploy is not in the repository"`
	Commit      string               `json:"commit,omitempty" doc:"At which the files were read" example:"3f2c1d9a8b7e6f5d4c3b2a190817263544536271"`
	Digest      string               `json:"digest,omitempty" doc:"Of all that the report rests on" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Ruleset     string               `json:"ruleset,omitempty" doc:"Version of the checks" example:"5b1c0f7e"`
	Score       *int                 `json:"score" minimum:"0" maximum:"100" doc:"Null when the plugin's files were not read" example:"84"`
	Maintenance plugpack.Maintenance `json:"maintenance" enum:"active,maintained,slow,stale,archived,unknown"`
	Caps        []plugpack.Cap       `json:"caps" doc:"Upper bounds of the score, each with its reason"`
	Dimensions  []Dimension          `json:"dimensions"`
	Security    Security             `json:"security"`
}

// Dimension is one side of a plugin's quality.
type Dimension struct {
	Name   string  `json:"name" enum:"manifest,documentation,maintenance,testing,security,cost" example:"documentation"`
	Score  int     `json:"score" minimum:"0" maximum:"100" example:"82"`
	Weight float64 `json:"weight" doc:"In the overall score" example:"20"`
	Checks []Check `json:"checks"`
}

// Check is one thing that the report looks at.
type Check struct {
	ID       string           `json:"id" example:"documentation.usage"`
	Version  int              `json:"version" example:"1"`
	Title    string           `json:"title" example:"The README says how to use it"`
	Outcome  plugpack.Outcome `json:"outcome" enum:"passed,partly,failed,not applicable,not known" example:"partly"`
	Points   float64          `json:"points" example:"2.5"`
	Max      float64          `json:"max" example:"5"`
	Reason   string           `json:"reason" example:"There is a section on usage, without an example."`
	Evidence []Place          `json:"evidence"`
	Fix      string           `json:"fix,omitempty" doc:"How to get the missing points" example:"Show a command with what it prints."`
}

// Security is what a scan of the plugin's files saw. It is never a verdict.
type Security struct {
	State    plugpack.SecurityState `json:"state" enum:"not scanned,scanned,partly scanned,error" example:"partly scanned"`
	Reason   string                 `json:"reason,omitempty" doc:"Why it does not speak for every file" example:"2 files are larger than what is looked through"`
	Ruleset  string                 `json:"ruleset,omitempty" example:"a41d09c2"`
	Files    int                    `json:"files" doc:"That were looked at" example:"14"`
	Reach    []plugpack.Reach       `json:"reach" doc:"What each hook and server runs and connects to: an inventory, not a finding"`
	Findings []Finding              `json:"findings"`
	Omitted  int                    `json:"omitted" doc:"Findings beyond those listed" example:"0"`
}

// Finding is one signal.
type Finding struct {
	Rule       string         `json:"rule" example:"shell.pipe-to-shell"`
	Version    int            `json:"version" example:"2"`
	Category   string         `json:"category" example:"runs-remote-code"`
	Severity   plugpack.Level `json:"severity" enum:"low,medium,high,critical" example:"high"`
	Confidence plugpack.Level `json:"confidence" enum:"low,medium,high" example:"high"`
	Message    string         `json:"message" example:"It runs what it downloads without anybody having seen it."`
	Place
	Excerpt string `json:"excerpt,omitempty" doc:"Secrets and private addresses are redacted" example:"curl -fsSL https://acme.example/install.sh | sh"`
	Fix     string `json:"fix,omitempty" example:"Download to a file, check its hash, then run it; or name a package with its version."`
}

// Place is where something can be seen.
type Place struct {
	At   string `json:"at,omitempty" example:"hooks/hooks.json:12" doc:"Path within the plugin, and line"`
	Path string `json:"path,omitempty" example:"hooks/hooks.json"`
	Line int    `json:"line,omitempty" example:"12"`
	URL  string `json:"url,omitempty" doc:"The line at the commit, on the host of the plugin's files" example:"https://github.com/acme/tools/blob/3f2c1d9a8b7e6f5d4c3b2a190817263544536271/plugins/deploy/hooks/hooks.json#L12"`
}

// ComponentFile is a component with the address of its file.
type ComponentFile struct {
	plugpack.Component
	URL string `json:"url,omitempty" doc:"Its file at the commit, on the host of the plugin's files" example:"https://github.com/acme/tools/blob/3f2c1d9a8b7e6f5d4c3b2a190817263544536271/plugins/deploy/commands/deploy.md"`
}

// NewReport makes the report of p from its report on files and its scan, each
// nil where there is none.
func NewReport(p plugpack.Plugin, q *plugpack.Quality, s *plugpack.Security) Report {
	r := Report{
		ID: p.ID, Slug: p.Slug, State: p.Facts.State, StateReason: p.Facts.StateReason, Commit: p.Facts.Commit,
		Score: p.Score, Maintenance: p.Maintenance, Caps: []plugpack.Cap{}, Dimensions: []Dimension{}, Security: newSecurity(p, s),
	}
	if q == nil {
		return r
	}
	shown := q.Shown(p.Maintenance)
	r.Digest, r.Ruleset, r.Score, r.Caps = shown.Digest, shown.Ruleset, &shown.Score, orEmpty(shown.Caps)
	for _, d := range shown.Dimensions {
		dimension := Dimension{Name: d.Name, Score: d.Score, Weight: d.Weight, Checks: []Check{}}
		for _, c := range d.Checks {
			dimension.Checks = append(dimension.Checks, newCheck(p, c))
		}
		r.Dimensions = append(r.Dimensions, dimension)
	}
	return r
}

func newCheck(p plugpack.Plugin, c plugpack.Check) Check {
	check := Check{
		ID: c.ID, Version: c.Version, Title: c.Title, Outcome: c.Outcome, Points: c.Points, Max: c.Max,
		Reason: c.Reason, Evidence: []Place{}, Fix: c.Fix,
	}
	for _, e := range c.Evidence {
		check.Evidence = append(check.Evidence, newPlace(p, e.Path, e.Line))
	}
	return check
}

func newSecurity(p plugpack.Plugin, s *plugpack.Security) Security {
	if s == nil {
		return Security{Reach: []plugpack.Reach{}, Findings: []Finding{}}
	}
	scan := Security{State: s.State, Reason: s.Reason, Ruleset: s.Ruleset, Files: s.Files, Reach: orEmpty(s.Reach), Findings: []Finding{}, Omitted: s.Omitted}
	for _, f := range s.Findings {
		scan.Findings = append(scan.Findings, Finding{
			Rule: f.Rule, Version: f.Version, Category: f.Category, Severity: f.Severity, Confidence: f.Confidence,
			Message: f.Message, Place: newPlace(p, f.Path, f.Line), Excerpt: f.Excerpt, Fix: f.Fix,
		})
	}
	return scan
}

// NewComponents makes the components of p.
func NewComponents(p plugpack.Plugin) []ComponentFile {
	list := make([]ComponentFile, len(p.Facts.Components))
	for i, c := range p.Facts.Components {
		list[i] = ComponentFile{Component: c, URL: link(p, c.Path, 0)}
	}
	return list
}

func newPlace(p plugpack.Plugin, file string, line int) Place {
	at := file
	if line > 0 {
		at = fmt.Sprintf("%s:%d", file, line)
	}
	return Place{At: at, Path: file, Line: line, URL: link(p, file, line)}
}

// link gives the address of a file's line on the host that it came from, or ""
// where no such page is known. file is within the plugin; with ../ it is above.
func link(p plugpack.Plugin, file string, line int) string {
	u, form := fileURL(p, file, false)
	if u == nil {
		return ""
	}
	if line > 0 {
		u.Fragment = fmt.Sprintf(form.line, line)
		if strings.EqualFold(path.Ext(file), ".md") {
			u.RawQuery = form.plain // the page shows Markdown without lines otherwise
		}
	}
	return u.String()
}

// FileURL gives the address of a file on the host that it came from, at the
// commit that was read: of its page, or of its bytes. file is as for a
// component; with a slash before it, it is of the repository. "" stands for a
// file that has no address.
func FileURL(p plugpack.Plugin, file string, raw bool) string {
	u, _ := fileURL(p, file, raw)
	if u == nil {
		return ""
	}
	return u.String()
}

func fileURL(p plugpack.Plugin, file string, raw bool) (*url.URL, hostForm) {
	dir := path.Clean(p.Facts.Source.Path)
	repo := strings.TrimSuffix(p.Facts.Origin, "/"+dir)
	host, name, _ := strings.Cut(repo, "/")
	within := path.Join(dir, file)
	if strings.HasPrefix(file, "/") {
		within = strings.TrimPrefix(path.Clean(file), "/")
	}
	form, ok := linkForm(p, host)
	if !ok || file == "" || name == "" || p.Facts.Commit == "" || within == ".." || strings.HasPrefix(within, "../") {
		return nil, form
	}
	of := form.file
	if raw {
		of = form.raw
	}
	return &url.URL{Scheme: "https", Host: host, Path: path.Join("/", name, fmt.Sprintf(of, p.Facts.Commit), within)}, form
}

// hostForm is how a kind of host writes the addresses of files and lines.
type hostForm struct{ file, raw, line, plain string }

var (
	gitHubForm    = hostForm{"blob/%s", "raw/%s", "L%d", "plain=1"}
	gitLabForm    = hostForm{"-/blob/%s", "-/raw/%s", "L%d", "plain=1"}
	bitbucketForm = hostForm{"src/%s", "raw/%s", "lines-%d", ""}
	forgejoForm   = hostForm{"src/commit/%s", "raw/commit/%s", "L%d", "display=source"}
)

// linkForm knows a host by its name. A marketplace of a host that has another
// name was read through GitHub's API, so it is a GitHub.
func linkForm(p plugpack.Plugin, host string) (hostForm, bool) {
	switch kind := p.Facts.Source.Kind; {
	case kind == plugpack.SourceNPM || kind == plugpack.SourceArchive || host == plugpack.LocalHost:
		return hostForm{}, false
	case strings.Contains(host, "gitlab"):
		return gitLabForm, true
	case host == "bitbucket.org":
		return bitbucketForm, true
	case host == "codeberg.org" || strings.Contains(host, "gitea") || strings.Contains(host, "forgejo"):
		return forgejoForm, true
	case strings.Contains(host, "github") || kind == plugpack.SourceRelative:
		return gitHubForm, true
	}
	return hostForm{}, false
}
