// Package sample builds valid nouns; a test changes the one field it is about.
package sample

import (
	"fmt"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Time is when samples are observed.
var Time = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// At gives the time n minutes after Time.
func At(n int) time.Time { return Time.Add(time.Duration(n) * time.Minute) }

// Listing makes a listing of the marketplace at repository ("acme/tools") with
// the names, observed n minutes after Time.
func Listing(repository string, n int, names ...string) plugpack.Listing {
	k := plugpack.NewMarketplaceKey("github.com", repository)
	return plugpack.Listing{
		Scan: fmt.Sprintf("scan-%s-%d", repository, n), ObservedAt: At(n), Key: k, Name: strings.ReplaceAll(repository, "/", "-"),
		Description: "Tools of " + k.Owner(), Owner: plugpack.Person{Name: k.Owner()}, Commit: fmt.Sprintf("%040x", n+1),
		Repository: plugpack.Repository{
			Host: "github.com", FullName: repository, HostID: HostID(repository), OwnerID: HostID(k.Owner()),
			DefaultBranch: "main", License: "MIT", Stars: 10,
		},
		Entries: len(names), Names: names,
	}
}

// Observation makes an observation of the plugin name in the marketplace at
// repository, seen n minutes after Time.
func Observation(repository, name string, n int) plugpack.Observation {
	k := plugpack.NewMarketplaceKey("github.com", repository)
	return plugpack.Observation{
		Scan: fmt.Sprintf("scan-%s-%d", repository, n), ObservedAt: At(n), Marketplace: k, Name: name,
		Facts: plugpack.Facts{
			Description: "Helps with " + name, Version: "1.0.0", Author: plugpack.Person{Name: k.Owner()},
			License: "MIT", Category: "development", Keywords: []string{"tools", name},
			Source: plugpack.Source{Kind: plugpack.SourceRelative, Path: "./plugins/" + name},
			Origin: string(k) + "/plugins/" + name, State: plugpack.StateRead,
			Components: []plugpack.Component{
				{Kind: plugpack.Command, Name: name + "-run", Description: "Runs " + name, Path: "commands/" + name + "-run.md"},
				{Kind: plugpack.Skill, Name: name + "-skill", Description: "When to use " + name, Path: "skills/" + name + "-skill/SKILL.md"},
			},
			Commit: fmt.Sprintf("%040x", n+1), Digest: fmt.Sprintf("%064x", n+1), Files: 3, Bytes: 2048,
			Requirements: plugpack.Requirements{Env: []string{"API_KEY"}, Runtimes: []string{"node"}},
			Verdicts: &plugpack.Verdicts{
				Client: "2.1.197", Valid: new(true), Add: plugpack.AddListed, Installs: new(true), Load: plugpack.LoadWhole,
				Faults: []plugpack.Fault{{
					Severity: plugpack.Warning, File: ".claude-plugin/plugin.json", Path: "author", Code: "no_author", Message: "There is no author.",
				}},
			},
			Costs: &plugpack.Costs{Client: plugpack.Cost{AlwaysOn: 20, OnUse: 200, Skills: 2}, Full: plugpack.Cost{AlwaysOn: 20, OnUse: 200, Skills: 2}},
			Documents: plugpack.Documents{
				Readme:  &plugpack.Document{Path: "README.md", Bytes: 37, Text: "# " + name + "\n\nRun it when you need it.\n"},
				License: &plugpack.LicenseFile{Path: "LICENSE", SPDX: "MIT", By: "file"},
			},
			Security: security(), Quality: Quality(fmt.Sprintf("%064x", number(name))),
		},
	}
}

func security() *plugpack.Security {
	return &plugpack.Security{
		State: plugpack.Scanned, Ruleset: "1", Files: 3,
		Findings: []plugpack.Finding{{
			Rule: "shell.pipe-to-shell", Version: 1, Category: "download", Severity: plugpack.High, Confidence: plugpack.Medium,
			Message: "What is downloaded runs at once.", Path: "hooks/setup.sh", Line: 4, Excerpt: "curl … | sh", Fix: "Check it before it runs.",
		}},
	}
}

// Quality makes a report with the digest: 80 of 100 for the files alone.
func Quality(digest string) *plugpack.Quality {
	q := plugpack.Quality{
		Ruleset: "1", Digest: digest,
		Dimensions: []plugpack.Dimension{
			{Name: "documentation", Weight: 1, Checks: []plugpack.Check{{
				ID: "documentation.readme", Version: 1, Title: "It has a README", Outcome: plugpack.Passed, Points: 10, Max: 10,
				Reason: "README.md says what it is", Evidence: []plugpack.Evidence{{Path: "README.md", Line: 1}},
			}}},
			{Name: plugpack.MaintenanceDimension, Weight: 1, Checks: []plugpack.Check{{
				ID: "maintenance.version", Version: 1, Title: "It has a version", Outcome: plugpack.PartlyPassed, Points: 6, Max: 10,
				Reason: "the version is declared twice", Fix: "Declare it once.",
			}}},
		},
	}.Reckoned()
	return &q
}

// Plugin makes the catalog's state of a plugin at revision.
func Plugin(repository, name string, revision int64) plugpack.Plugin {
	o := Observation(repository, name, int(revision))
	findings, score := o.Facts.Security.Counts(), o.Facts.Quality.Shown(plugpack.MaintenanceUnknown).Score
	o.Facts.Security, o.Facts.Quality = nil, nil
	return plugpack.Plugin{
		ID:   fmt.Sprintf("018f0000-0000-7000-8000-%012x", number(repository+":"+name)),
		Name: name, Slug: o.Key().Slug(0), Revision: revision, Stars: 10, Facts: o.Facts,
		Score: &score, Maintenance: plugpack.MaintenanceUnknown, Findings: findings,
		Marketplace: plugpack.MarketplaceRef{
			ID:  fmt.Sprintf("018f0000-0000-7000-9000-%012x", number(repository)),
			Key: o.Marketplace, Name: strings.ReplaceAll(repository, "/", "-"), Repository: repository, License: "MIT",
		},
		FirstSeen: Time, UpdatedAt: o.ObservedAt,
	}
}

// Pack makes a published pack at revision, with the plugins of acme/tools.
func Pack(slug string, revision int64, plugins ...string) plugpack.Pack {
	p := plugpack.Pack{
		ID: fmt.Sprintf("018f0000-0000-7000-a000-%012x", number("pack:"+slug)), Slug: slug,
		PackText: plugpack.PackText{
			Name: "Pack " + slug, Description: "All that " + slug + " needs", Difficulty: plugpack.Beginner,
			Tags: []string{"tools"}, Minutes: 10, Curator: "Ann",
		},
		Published: true, Edition: 1, Revision: revision, CreatedAt: Time, UpdatedAt: At(int(revision)),
	}
	for _, name := range plugins {
		x := Plugin("acme/tools", name, 1)
		p.Plugins = append(p.Plugins, plugpack.PackPlugin{
			PluginID: x.ID, Slug: x.Slug, Name: name, Phase: "Start", Description: "For " + name, Commands: []string{"/" + name + "-run"},
		})
	}
	return p
}

// HostID makes up the number by which GitHub knows an account or a repository,
// whatever the letters of its name.
func HostID(name string) int64 { return number(strings.ToLower(name)) }

// number makes up one that stays the same for the same text.
func number(text string) int64 {
	n := int64(7)
	for _, r := range text {
		n = (n*31 + int64(r)) % 1_000_000_007
	}
	return n + 1
}
