// Package plugpack holds PlugPack's nouns: what a marketplace, a plugin, a
// component and a scan are, how they are identified, and which bounds their
// texts keep. It does no I/O and imports nothing but errs, so every service
// speaks of the same things in the same words.
package plugpack

import (
	"cmp"
	"time"
)

// Bounds of fetched text, in bytes; the schema in migrations/ holds the same.
const (
	MaxName        = 128
	MaxShort       = 512   // licences, categories, versions, URLs
	MaxDescription = 4096  // a plugin's or marketplace's
	MaxKeywords    = 64    // keywords a plugin
	MaxComponents  = 1000  // components a plugin
	MaxEntries     = 20000 // entries a marketplace
)

// SourceKind says how the client fetches a plugin.
type SourceKind string

// The source kinds of marketplace entries that PlugPack knows.
const (
	SourceRelative    SourceKind = "relative"
	SourceGitHub      SourceKind = "github"
	SourceURL         SourceKind = "url"
	SourceGitSubdir   SourceKind = "git-subdir"
	SourceNPM         SourceKind = "npm"
	SourceArchive     SourceKind = "archive"
	SourceCommand     SourceKind = "command"
	SourceUnsupported SourceKind = "unsupported"
)

// Source is an entry's "source" as the marketplace's file gives it.
type Source struct {
	Kind     SourceKind `json:"kind" example:"git-subdir"`
	Path     string     `json:"path,omitempty" example:"plugins/deploy"`                   // relative, git-subdir
	Repo     string     `json:"repo,omitempty" example:"acme/tools"`                       // github: owner/repo
	URL      string     `json:"url,omitempty" example:"https://github.com/acme/tools.git"` // url, git-subdir, archive
	Package  string     `json:"package,omitempty" example:"@acme/deploy"`                  // npm
	Version  string     `json:"version,omitempty" example:"1.2.0"`                         // npm
	Registry string     `json:"registry,omitempty" example:"https://registry.npmjs.org"`   // npm
	Ref      string     `json:"ref,omitempty" example:"main"`
	SHA      string     `json:"sha,omitempty" example:"3f2c1d9a8b7e6f5d4c3b2a190817263544536271"`
	SHA256   string     `json:"sha256,omitempty" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"` // archive
}

// State says how far a plugin's files are known.
type State string

// The states. A plugin is always listed, with the reason it is not read.
const (
	StateRead        State = "read"
	StateNotReadYet  State = "not read yet" // its files are elsewhere; it will be tried again
	StateMissing     State = "missing"      // its repository, commit or folder is not there
	StateBroken      State = "broken"       // its files or its own manifest cannot be read
	StateUnsupported State = "unsupported"  // no client can install its source, or it leads where PlugPack does not go
)

// Person is an author or owner as a manifest names them.
type Person struct {
	Name  string `json:"name,omitempty" example:"Acme"`
	Email string `json:"email,omitempty" example:"tools@acme.example"`
	URL   string `json:"url,omitempty" example:"https://acme.example"`
}

// Facts are all that a scan learns of one plugin, and may overwrite.
type Facts struct {
	DisplayName  string       `json:"display_name,omitempty"`
	Description  string       `json:"description,omitempty"`
	Version      string       `json:"version,omitempty"` // as declared
	Author       Person       `json:"author,omitzero"`
	Homepage     string       `json:"homepage,omitempty"`
	Repository   string       `json:"repository,omitempty"`
	License      string       `json:"license,omitempty"`
	Category     string       `json:"category,omitempty"` // one of Categories
	Categorised  *Categorised `json:"categorised,omitempty"`
	Keywords     []string     `json:"keywords,omitempty"`
	Source       Source       `json:"source"`
	Origin       string       `json:"origin,omitempty"` // host/owner/repo/path of its files
	State        State        `json:"state"`
	StateReason  string       `json:"state_reason,omitempty"`
	Components   []Component  `json:"components,omitempty"`
	Commit       string       `json:"commit,omitempty"` // at which it was read
	Digest       string       `json:"digest,omitempty"` // SHA-256 over path, mode and blob sha of its tree
	Files        int          `json:"files,omitempty"`  // in its tree
	Bytes        int64        `json:"bytes,omitempty"`
	Requirements Requirements `json:"requirements,omitzero"`
	Verdicts     *Verdicts    `json:"verdicts,omitempty"`
	Costs        *Costs       `json:"costs,omitempty"`
	Documents    Documents    `json:"documents,omitzero"`
	Security     *Security    `json:"security,omitempty"`
	Quality      *Quality     `json:"quality,omitempty"`
	Scripts      []Script     `json:"scripts,omitempty"`
	Declared     *Declared    `json:"declared,omitempty"` // by its entry
}

// Observation is what one scan saw of one plugin.
type Observation struct {
	Scan        string         `json:"scan"`
	ObservedAt  time.Time      `json:"observed_at"`
	Marketplace MarketplaceKey `json:"marketplace"`
	Name        string         `json:"name"`
	Facts       Facts          `json:"facts"`
}

// Key gives the observed plugin's key.
func (o Observation) Key() Key { return o.Marketplace.Plugin(o.Name) }

// Repository is what the host tells of a marketplace's repository. HostID and
// OwnerID are the host's own numbers, 0 where it has none; they stay when the
// repository is renamed.
type Repository struct {
	Host          string    `json:"host"`
	FullName      string    `json:"full_name"` // in the owner's letter case
	HostID        int64     `json:"host_id,omitempty"`
	OwnerID       int64     `json:"owner_id,omitempty"`
	Description   string    `json:"description,omitempty"`
	DefaultBranch string    `json:"default_branch,omitempty"`
	License       string    `json:"license,omitempty"` // SPDX id
	Topics        []string  `json:"topics,omitempty"`
	Stars         int       `json:"stars"`
	Forks         int       `json:"forks"`
	OpenIssues    int       `json:"open_issues"`
	Archived      bool      `json:"archived"`
	PushedAt      time.Time `json:"pushed_at,omitzero"`
	Release       string    `json:"release,omitempty"` // the newest one's tag
	ReleasedAt    time.Time `json:"released_at,omitzero"`
}

// Skipped is an entry that no client lists, with the reason its file gives.
type Skipped struct {
	Index  int    `json:"index" example:"3"` // in the file's "plugins"
	Name   string `json:"name,omitempty" example:"deploy"`
	Reason string `json:"reason" example:"the entry has no source"`
}

// Listing is what one scan saw of a marketplace: its file's head and the
// complete list of its entries' names, so that absence from Names is evidence.
type Listing struct {
	Scan        string            `json:"scan"`
	ObservedAt  time.Time         `json:"observed_at"`
	Key         MarketplaceKey    `json:"key"`
	Name        string            `json:"name"` // what installing needs: plugin@name
	Description string            `json:"description,omitempty"`
	Owner       Person            `json:"owner,omitzero"`
	Version     string            `json:"version,omitempty"`
	Repository  Repository        `json:"repository"`
	Commit      string            `json:"commit"`
	Entries     int               `json:"entries"` // in the file
	Names       []string          `json:"names"`
	Skipped     []Skipped         `json:"skipped,omitempty"`
	Renames     map[string]string `json:"renames,omitempty"` // old to new, "" for a deliberate removal
	Owners      []string          `json:"owners,omitempty"`  // logins that a file of the repository names
	// FoundBy is the kind of search that found the marketplace; "" where it was
	// named.
	FoundBy string `json:"found_by,omitempty"`
}

// Failure is a scan that could not read a marketplace. It removes nothing,
// unless it says that the repository is gone.
type Failure struct {
	Scan       string         `json:"scan"`
	ObservedAt time.Time      `json:"observed_at"`
	Key        MarketplaceKey `json:"key"`
	Reason     string         `json:"reason"`
	Entries    int            `json:"entries,omitempty"` // in a file that was rejected whole
	FoundBy    string         `json:"found_by,omitempty"`
	// Gone: its repository has been away for so long that its plugins are to go
	// too. This failure alone removes something.
	Gone bool `json:"gone,omitempty"`
}

// ScanState says what became of a marketplace's last scan.
type ScanState string

// The scan states.
const (
	ScanPending ScanState = "pending"
	ScanDone    ScanState = "scanned"
	ScanFailed  ScanState = "failed"
	// ScanHeld: the listing would have removed more than a fifth of the
	// plugins, so nothing was removed and a person has to confirm it.
	ScanHeld ScanState = "held"
)

// Marketplace is the catalog's row of a marketplace.
type Marketplace struct {
	ID          string         `json:"id"`
	Key         MarketplaceKey `json:"key"`
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Owner       Person         `json:"owner,omitzero"`
	Repository  Repository     `json:"repository"`
	Commit      string         `json:"commit,omitempty"`
	Entries     int            `json:"entries"`
	Plugins     int            `json:"plugins"` // listed now
	Read        int            `json:"read"`    // those of them whose files are read
	FoundBy     string         `json:"found_by,omitempty"`
	Skipped     []Skipped      `json:"skipped,omitempty"`
	State       ScanState      `json:"state"`
	LastError   string         `json:"last_error,omitempty"`
	ScannedAt   time.Time      `json:"scanned_at,omitzero"` // last complete listing
	FailedAt    time.Time      `json:"failed_at,omitzero"`  // last failed scan
}

// Plugin is the catalog's committed state of one plugin at one revision. Lists,
// announcements and pages hold the beginning of its readme only; its documents,
// findings and the checks of its report the catalog gives one plugin at a time.
type Plugin struct {
	ID          string         `json:"id"`
	Marketplace MarketplaceRef `json:"marketplace"`
	Name        string         `json:"name"`
	Slug        string         `json:"slug"`
	Revision    int64          `json:"revision"`
	Removed     bool           `json:"removed,omitempty"`
	// Successor is the slug of the plugin that took a removed one's place.
	Successor string   `json:"successor,omitempty"`
	Aliases   []string `json:"aliases,omitempty"` // earlier slugs
	Featured  bool     `json:"featured"`
	Verified  bool     `json:"verified"`
	// What else curators say: Deprecated and Hidden are the reasons.
	Official   bool    `json:"official,omitempty"`
	Deprecated string  `json:"deprecated,omitempty"`
	Hidden     string  `json:"hidden,omitempty"`
	Rating     *Rating `json:"rating,omitempty"` // nil: nobody has reviewed it
	Stars      int     `json:"stars"`
	// Score is the quality report's as it is shown now; nil: there is none.
	Score       *int          `json:"score"`
	Maintenance Maintenance   `json:"maintenance"` // of the marketplace's repository
	Findings    FindingCounts `json:"findings"`
	Facts       Facts         `json:"facts"`
	FirstSeen   time.Time     `json:"first_seen"`
	UpdatedAt   time.Time     `json:"updated_at"`
}

// Listed says whether lists and searches show the plugin.
func (p Plugin) Listed() bool { return !p.Removed && p.Hidden == "" }

// Key gives the plugin's key.
func (p Plugin) Key() Key { return p.Marketplace.Key.Plugin(p.Name) }

// License gives the licence that is shown: the declared one, else that of the
// licence's file, else what the host says of the marketplace's repository.
func (p Plugin) License() string {
	file := ""
	if l := p.Facts.Documents.License; l != nil {
		file = l.SPDX
	}
	return cmp.Or(p.Facts.License, file, p.Marketplace.License)
}

// MarketplaceRef is what a plugin's page says of its marketplace.
type MarketplaceRef struct {
	ID         string         `json:"id"`
	Key        MarketplaceKey `json:"key"`
	Name       string         `json:"name"`
	Repository string         `json:"repository"` // full name, in the owner's letter case
	License    string         `json:"license,omitempty"`
	Archived   bool           `json:"archived,omitempty"`
}
