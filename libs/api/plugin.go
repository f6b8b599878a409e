package api

import (
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Plugin is a plugin in a list or a search result.
type Plugin struct {
	ID          string                         `json:"id" format:"uuid" doc:"Stays for ever"`
	Slug        string                         `json:"slug" pattern:"^[a-z0-9-]+$" example:"acme-tools-deploy"`
	Name        string                         `json:"name" doc:"Name of the entry in its marketplace" example:"deploy"`
	DisplayName string                         `json:"display_name,omitempty" example:"Deploy"`
	Key         string                         `json:"key" doc:"host/owner/repo:name" example:"github.com/acme/tools:deploy"`
	Description string                         `json:"description" example:"Deploys a service and watches it come up"`
	Version     string                         `json:"version,omitempty" doc:"As declared by the author" example:"1.2.0"`
	Author      plugpack.Person                `json:"author,omitzero"`
	Homepage    string                         `json:"homepage,omitempty" example:"https://acme.example/deploy"`
	Repository  string                         `json:"repository,omitempty" example:"https://github.com/acme/tools"`
	License     string                         `json:"license,omitempty" example:"MIT"`
	Category    string                         `json:"category,omitempty" example:"deployment"`
	Keywords    []string                       `json:"keywords" example:"deploy,kubernetes"`
	Has         map[plugpack.ComponentKind]int `json:"has" doc:"Number of components by kind: command, agent, skill, hook, mcp, lsp" example:"{\"command\":2,\"skill\":1}"`
	Marketplace MarketplaceRef                 `json:"marketplace"`
	Source      plugpack.Source                `json:"source"`
	Origin      string                         `json:"origin,omitempty" doc:"Where the plugin's files live" example:"github.com/acme/tools/plugins/deploy"`
	State       plugpack.State                 `json:"state" enum:"read,not read yet,missing,broken,unsupported"`
	StateReason string                         `json:"state_reason,omitempty" example:"the folder plugins/deploy is not in the repository"`
	Install     Install                        `json:"install"`
	Stars       int                            `json:"stars" doc:"Of the marketplace's repository" example:"128"`
	Score       *int                           `json:"score" minimum:"0" maximum:"100" doc:"Of the quality report; null when the plugin's files were not read" example:"84"`
	Maintenance plugpack.Maintenance           `json:"maintenance" enum:"active,maintained,slow,stale,archived,unknown" doc:"Of the marketplace's repository, by its last push"`
	Findings    plugpack.FindingCounts         `json:"findings" doc:"Of the security scan, by severity; none mean little unless the state is scanned"`
	Featured    bool                           `json:"featured"`
	Verified    bool                           `json:"verified"`
	Revision    int64                          `json:"revision" doc:"Grows with every change" example:"7"`
	FirstSeen   time.Time                      `json:"first_seen"`
	UpdatedAt   time.Time                      `json:"updated_at"`
}

// PluginPage is everything about one plugin.
type PluginPage struct {
	Plugin
	Commit       string                `json:"commit,omitempty" doc:"At which the files were read" example:"3f2c1d9a8b7e6f5d4c3b2a190817263544536271"`
	Digest       string                `json:"digest,omitempty" doc:"Of the version: SHA-256 over path, mode and blob id of the plugin's files, and over what its marketplace's entry adds" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Files        int                   `json:"files" doc:"Number of files in its folder" example:"14"`
	Bytes        int64                 `json:"bytes" doc:"Of its files together" example:"48213"`
	Components   []plugpack.Component  `json:"components"`
	Requirements plugpack.Requirements `json:"requirements" doc:"What it needs from the machine and its user"`
	Verdicts     *plugpack.Verdicts    `json:"verdicts,omitempty" doc:"What one version of the client says: the author's check, adding, installing and loading"`
	Costs        *plugpack.Costs       `json:"costs,omitempty" doc:"Tokens it takes in a session, by the client's own figure and for all components"`
	Documents    plugpack.Documents    `json:"documents" doc:"What it brings to read; of the texts only the beginning of the README"`
	Aliases      []string              `json:"aliases" doc:"Earlier slugs, which redirect here" example:"acme-tools-ship"`
	Official     bool                  `json:"official,omitempty" doc:"By the maker of the client"`
	Deprecated   string                `json:"deprecated,omitempty" doc:"Why curators say not to use it any more" example:"Use acme-tools-ship instead"`
	Rating       *plugpack.Rating      `json:"rating,omitempty" doc:"Of its reviews; missing when there are none"`
}

// HiddenDetail is what is said at the address of a plugin that curators hid.
func HiddenDetail(reason string) string { return "this plugin was hidden by a curator: " + reason }

// MarketplaceRef names the marketplace of a plugin.
type MarketplaceRef struct {
	ID         string `json:"id" format:"uuid"`
	Key        string `json:"key" example:"github.com/acme/tools"`
	Name       string `json:"name" doc:"What follows the @ when installing" example:"acme-tools"`
	Repository string `json:"repository" example:"acme/tools"`
	Archived   bool   `json:"archived,omitempty"`
}

// Install holds the two commands that install a plugin in the client.
type Install struct {
	AddMarketplace string `json:"add_marketplace" example:"/plugin marketplace add acme/tools"`
	InstallPlugin  string `json:"install_plugin" example:"/plugin install deploy@acme-tools"`
}

// Marketplace is a marketplace with what its last scan found.
type Marketplace struct {
	ID          string               `json:"id" format:"uuid"`
	Key         string               `json:"key" example:"github.com/acme/tools"`
	Name        string               `json:"name" example:"acme-tools"`
	Description string               `json:"description" example:"Tools that run services at Acme"`
	Owner       plugpack.Person      `json:"owner,omitzero"`
	Repository  string               `json:"repository" example:"acme/tools"`
	License     string               `json:"license,omitempty" example:"MIT"`
	Topics      []string             `json:"topics" example:"claude-code,deployment"`
	Stars       int                  `json:"stars" example:"128"`
	Forks       int                  `json:"forks" example:"9"`
	OpenIssues  int                  `json:"open_issues" example:"4"`
	Archived    bool                 `json:"archived"`
	PushedAt    time.Time            `json:"pushed_at,omitzero"`
	Release     string               `json:"release,omitempty" doc:"The tag of its newest release, absent where it has none" example:"v1.2.0"`
	ReleasedAt  time.Time            `json:"released_at,omitzero" doc:"Of that release"`
	Maintenance plugpack.Maintenance `json:"maintenance" enum:"active,maintained,slow,stale,archived,unknown" doc:"By the last push: within 14, 90, 365 days, longer ago"`
	Commit      string               `json:"commit,omitempty" example:"3f2c1d9a8b7e6f5d4c3b2a190817263544536271"`
	Entries     int                  `json:"entries" doc:"Entries in the marketplace's file" example:"12"`
	Plugins     int                  `json:"plugins" doc:"Entries in the catalog" example:"11"`
	Read        int                  `json:"plugins_read" doc:"Those of them whose files were read" example:"10"`
	FoundBy     string               `json:"found_by,omitempty" doc:"The search that found it, as in /api/marketplaces/completeness; absent where it was named or submitted" example:"code-search:marketplace.json"`
	Skipped     []plugpack.Skipped   `json:"skipped" doc:"Entries that no client lists, each with its reason"`
	State       plugpack.ScanState   `json:"state" enum:"pending,scanned,failed,held" doc:"Of the last scan" example:"scanned"`
	LastError   string               `json:"last_error,omitempty" example:"the file .claude-plugin/marketplace.json is no JSON"`
	ScannedAt   time.Time            `json:"scanned_at,omitzero" doc:"Of the last complete listing"`
	FailedAt    time.Time            `json:"failed_at,omitzero"`
}

// Count is a number of things.
type Count struct {
	Count int `json:"count" example:"2048"`
}

// Category is a category and how many plugins are in it.
type Category struct {
	Name  string `json:"name" example:"deployment"`
	Count int    `json:"count" example:"412"`
}

// Facets are how many plugins have which value, by the name of the filter.
type Facets map[string][]Category

// Search is the answer to a search.
type Search struct {
	Query        string   `json:"query" example:"deploy"`
	Plugins      []Plugin `json:"plugins"`
	Packs        []Pack   `json:"packs"`
	TotalPlugins int      `json:"total_plugins" doc:"Capped at 1001: more than a thousand" example:"214"`
	TotalPacks   int      `json:"total_packs" example:"3"`
	Facets       Facets   `json:"facets" doc:"Counts over the best matches, by field" example:"{\"category\":[{\"name\":\"deployment\",\"count\":120}]}"`
	SearchEngine string   `json:"search_engine" enum:"meilisearch,database"`
}

// NewPlugin makes the list form of p.
func NewPlugin(p plugpack.Plugin) Plugin {
	f := p.Facts
	has := map[plugpack.ComponentKind]int{}
	for _, c := range f.Components {
		has[c.Kind]++
	}
	return Plugin{
		ID: p.ID, Slug: p.Slug, Name: p.Name, DisplayName: f.DisplayName, Key: p.Key().String(),
		Description: f.Description, Version: f.Version, Author: f.Author, Homepage: f.Homepage, Repository: f.Repository,
		License: p.License(), Category: f.Category, Keywords: orEmpty(f.Keywords), Has: has,
		Marketplace: MarketplaceRef{
			ID: p.Marketplace.ID, Key: string(p.Marketplace.Key), Name: p.Marketplace.Name,
			Repository: p.Marketplace.Repository, Archived: p.Marketplace.Archived,
		},
		Source: f.Source, Origin: f.Origin, State: f.State, StateReason: f.StateReason, Install: newInstall(p),
		Stars: p.Stars, Score: p.Score, Maintenance: p.Maintenance, Findings: p.Findings, Featured: p.Featured, Verified: p.Verified, Revision: p.Revision,
		FirstSeen: p.FirstSeen.UTC(), UpdatedAt: p.UpdatedAt.UTC(),
	}
}

// NewPluginPage makes the page form of p.
func NewPluginPage(p plugpack.Plugin) PluginPage {
	return PluginPage{
		Plugin: NewPlugin(p), Commit: p.Facts.Commit, Digest: p.Facts.VersionDigest(),
		Files: p.Facts.Files, Bytes: p.Facts.Bytes, Components: orEmpty(p.Facts.Components),
		Requirements: p.Facts.Requirements, Verdicts: p.Facts.Verdicts, Costs: p.Facts.Costs,
		Documents: p.Facts.Documents, Aliases: orEmpty(p.Aliases),
		Official: p.Official, Deprecated: p.Deprecated, Rating: p.Rating,
	}
}

// NewMarketplace makes the wire form of m as it stands at now.
func NewMarketplace(m plugpack.Marketplace, now time.Time) Marketplace {
	r := m.Repository
	return Marketplace{
		ID: m.ID, Key: string(m.Key), Name: m.Name, Description: m.Description, Owner: m.Owner,
		Repository: r.FullName, License: r.License, Topics: orEmpty(r.Topics), Stars: r.Stars, Forks: r.Forks,
		OpenIssues: r.OpenIssues, Archived: r.Archived, PushedAt: r.PushedAt.UTC(),
		Release: r.Release, ReleasedAt: r.ReleasedAt.UTC(), Maintenance: r.MaintenanceAt(now), Commit: m.Commit,
		Entries: m.Entries, Plugins: m.Plugins, Read: m.Read, FoundBy: m.FoundBy, Skipped: orEmpty(m.Skipped), State: m.State, LastError: m.LastError,
		ScannedAt: m.ScannedAt.UTC(), FailedAt: m.FailedAt.UTC(),
	}
}

// newInstall writes the commands of the real client: a GitHub marketplace is
// added by its short name, another host by its address, a folder by its path.
func newInstall(p plugpack.Plugin) Install {
	at := p.Marketplace.Repository
	switch host := p.Marketplace.Key.Host(); host {
	case "github.com":
	case plugpack.LocalHost:
		at = "/" + p.Marketplace.Key.Repository()
	default:
		at = "https://" + host + "/" + at + ".git"
	}
	return Install{
		AddMarketplace: "/plugin marketplace add " + at,
		InstallPlugin:  "/plugin install " + p.Name + "@" + p.Marketplace.Name,
	}
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
