package plugpack

import (
	"slices"
	"time"
)

// Role is what a user may do beyond what everybody may.
type Role string

// The roles.
const (
	Admin   Role = "admin"
	Curator Role = "curator"
)

// Scope is what a token may be used for.
type Scope string

// The scopes.
const (
	ScopeReviews     Scope = "reviews"
	ScopePacks       Scope = "packs"
	ScopeSubmissions Scope = "submissions"
	ScopeAdmin       Scope = "admin"
)

// Scopes lists every scope.
var Scopes = []Scope{ScopeReviews, ScopePacks, ScopeSubmissions, ScopeAdmin}

// User is a person who signed in with GitHub.
type User struct {
	ID        string    `json:"id"`
	GitHubID  int64     `json:"github_id"`
	Login     string    `json:"login"`
	Avatar    string    `json:"avatar,omitempty"`
	Roles     []Role    `json:"roles"`
	Banned    string    `json:"banned,omitempty"` // why
	CreatedAt time.Time `json:"created_at"`
	// Scopes are what the way he came in by is good for; nil is everything.
	Scopes []Scope `json:"-"`
}

// Is says whether the user has the role. Admins may do what curators may.
func (u User) Is(r Role) bool {
	return slices.Contains(u.Roles, r) || r == Curator && slices.Contains(u.Roles, Admin)
}

// May says whether what he came in by is good for the scope.
func (u User) May(s Scope) bool { return u.Scopes == nil || slices.Contains(u.Scopes, s) }

// APIToken is a token as its owner sees it: the secret itself is shown once and
// kept by nobody.
type APIToken struct {
	ID         string    `json:"id" format:"uuid"`
	Name       string    `json:"name" example:"ci"`
	Prefix     string    `json:"prefix" example:"plp_1f0c9a2b7d3e"` // by which its owner knows it again
	Scopes     []Scope   `json:"scopes" example:"reviews,packs"`
	ExpiresAt  time.Time `json:"expires_at"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// MaxFramework bounds the name of a framework that a review tells, in
// characters.
const MaxFramework = 64

// ReviewText is what a reviewer writes.
type ReviewText struct {
	Rating     int      `json:"rating"` // 1 to 5
	Title      string   `json:"title"`
	Body       string   `json:"body"`
	ProTip     string   `json:"pro_tip,omitempty"`
	Gotcha     string   `json:"gotcha,omitempty"`
	ExampleURL string   `json:"example_url,omitempty"`
	Frameworks []string `json:"frameworks,omitempty"`
	TeamSize   string   `json:"team_size,omitempty"`
}

// ReviewState says whether others see a review.
type ReviewState string

// The states of a review.
const (
	ReviewShown  ReviewState = "shown"
	ReviewHeld   ReviewState = "held"   // reported, and a curator has to look
	ReviewHidden ReviewState = "hidden" // a curator took it away
)

// Review is one user's word on one plugin.
type Review struct {
	ID       string `json:"id"`
	PluginID string `json:"plugin_id"`
	ReviewText
	Author    User        `json:"author"`
	Digest    string      `json:"digest,omitempty"`  // of the version that was reviewed
	Version   string      `json:"version,omitempty"` // as declared
	State     ReviewState `json:"state"`
	Reason    string      `json:"reason,omitempty"` // why it is not shown
	Edition   int64       `json:"edition"`          // counts its author's changes
	Helpful   int         `json:"helpful"`
	Reported  int         `json:"reported"`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
}

// Rating sums the reviews of a plugin that are shown.
type Rating struct {
	Count   int     `json:"count" example:"12"`
	Average float64 `json:"average" example:"4.5"`
	// Score is the average as if some middling reviews had come before: one
	// five-star review says less than fifty.
	Score float64 `json:"score" example:"4.2"`
}

const (
	priorReviews = 5
	priorRating  = 3.5
)

// NewRating makes the rating of count reviews whose stars together are sum.
func NewRating(count, sum int) Rating {
	r := Rating{Count: count, Score: (priorReviews*priorRating + float64(sum)) / float64(priorReviews+count)}
	if count > 0 {
		r.Average = float64(sum) / float64(count)
	}
	return r
}

// Curation is what curators say of a plugin.
type Curation struct {
	Featured   bool   `json:"featured"`
	Verified   bool   `json:"verified"`
	Official   bool   `json:"official"`
	Deprecated string `json:"deprecated,omitempty" example:"Use acme-tools-ship instead"`                      // why, and what to use instead
	Hidden     string `json:"hidden,omitempty" example:"It sends what it reads to a server that nobody named"` // why; everybody may read it
}

// SubmissionState says how far a submission is.
type SubmissionState string

// The states of a submission, in their order; the last two are final.
const (
	SubmissionQueued    SubmissionState = "queued"
	SubmissionFetched   SubmissionState = "fetched"
	SubmissionValidated SubmissionState = "validated"
	SubmissionListed    SubmissionState = "listed"
	SubmissionRejected  SubmissionState = "rejected"
)

// Submission is somebody's wish to have a repository listed.
type Submission struct {
	ID        string           `json:"id" format:"uuid"`
	Key       MarketplaceKey   `json:"key" example:"github.com/acme/tools"`
	State     SubmissionState  `json:"state" example:"listed"`
	Reasons   []string         `json:"reasons,omitempty" example:"the repository has no .claude-plugin/marketplace.json"`
	Steps     []SubmissionStep `json:"steps"`
	Scan      string           `json:"scan" example:"018f2c5e-7c1a-7b3d-9a42-5d6f1e0c8b72"`
	CreatedAt time.Time        `json:"created_at"`
	UpdatedAt time.Time        `json:"updated_at"`
}

// SubmissionStep is when a submission came into a state.
type SubmissionStep struct {
	State SubmissionState `json:"state" example:"queued"`
	At    time.Time       `json:"at"`
}

// AuditEntry is one line of what people did.
type AuditEntry struct {
	ID      int64     `json:"id" example:"4711"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor" example:"octocat"` // login, or "system"
	Action  string    `json:"action" example:"plugin.curated"`
	Subject string    `json:"subject" example:"plugin:github.com/acme/tools:deploy"`
	Detail  any       `json:"detail,omitempty" example:"{\"now\":{\"featured\":true}}"`
}
