package api

import (
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Author is a user as others see him.
type Author struct {
	Login  string `json:"login"`
	Avatar string `json:"avatar,omitempty"`
}

// Me is the user as he sees himself.
type Me struct {
	ID       string          `json:"id" format:"uuid"`
	GitHubID int64           `json:"github_id"`
	Login    string          `json:"login"`
	Avatar   string          `json:"avatar,omitempty"`
	Roles    []plugpack.Role `json:"roles"`
}

// NewMe makes the wire form of u.
func NewMe(u plugpack.User) Me {
	return Me{ID: u.ID, GitHubID: u.GitHubID, Login: u.Login, Avatar: u.Avatar, Roles: orEmpty(u.Roles)}
}

// NewToken is a token that was just made; Token is shown this once.
type NewToken struct {
	plugpack.APIToken
	Token string `json:"token" doc:"Shown this once: keep it"`
}

// Review is one user's word on one plugin.
type Review struct {
	ID         string               `json:"id" format:"uuid"`
	PluginID   string               `json:"plugin_id" format:"uuid"`
	Rating     int                  `json:"rating" minimum:"1" maximum:"5"`
	Title      string               `json:"title"`
	Body       string               `json:"body"`
	ProTip     string               `json:"pro_tip,omitempty"`
	Gotcha     string               `json:"gotcha,omitempty"`
	ExampleURL string               `json:"example_url,omitempty"`
	Frameworks []string             `json:"frameworks"`
	TeamSize   string               `json:"team_size,omitempty"`
	Author     Author               `json:"author"`
	Digest     string               `json:"digest,omitempty" doc:"Of the version that was reviewed"`
	Version    string               `json:"version,omitempty" doc:"That version as declared"`
	State      plugpack.ReviewState `json:"state" enum:"shown,held,hidden"`
	Reason     string               `json:"reason,omitempty" doc:"Why it is not shown"`
	Edition    int64                `json:"edition" doc:"Grows with every change by its author; a change names the one it started from"`
	Helpful    int                  `json:"helpful" doc:"How many users it helped"`
	CreatedAt  time.Time            `json:"created_at"`
	UpdatedAt  time.Time            `json:"updated_at"`
}

// NewReview makes the wire form of r.
func NewReview(r plugpack.Review) Review {
	return Review{
		ID: r.ID, PluginID: r.PluginID, Rating: r.Rating, Title: r.Title, Body: r.Body, ProTip: r.ProTip, Gotcha: r.Gotcha,
		ExampleURL: r.ExampleURL, Frameworks: orEmpty(r.Frameworks), TeamSize: r.TeamSize,
		Author: Author{Login: r.Author.Login, Avatar: r.Author.Avatar}, Digest: r.Digest, Version: r.Version, State: r.State, Reason: r.Reason,
		Edition: r.Edition, Helpful: r.Helpful, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// Reviews are the reviews of a plugin with their sum.
type Reviews struct {
	Rating  plugpack.Rating `json:"rating" doc:"Score is the average as if some middling reviews had come before"`
	Reviews []Review        `json:"reviews"`
}
