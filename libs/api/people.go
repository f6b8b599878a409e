package api

import (
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Author is a user as others see him.
type Author struct {
	Login  string `json:"login" example:"octocat"`
	Avatar string `json:"avatar,omitempty" example:"https://avatars.githubusercontent.com/u/583231"`
}

// Me is the user as he sees himself.
type Me struct {
	ID       string          `json:"id" format:"uuid"`
	GitHubID int64           `json:"github_id" example:"583231"`
	Login    string          `json:"login" example:"octocat"`
	Avatar   string          `json:"avatar,omitempty" example:"https://avatars.githubusercontent.com/u/583231"`
	Roles    []plugpack.Role `json:"roles" example:"curator"`
}

// NewMe makes the wire form of u.
func NewMe(u plugpack.User) Me {
	return Me{ID: u.ID, GitHubID: u.GitHubID, Login: u.Login, Avatar: u.Avatar, Roles: orEmpty(u.Roles)}
}

// NewToken is a token that was just made; Token is shown this once.
type NewToken struct {
	plugpack.APIToken
	Token string `json:"token" doc:"Shown this once: keep it" example:"plp_1f0c9a2b7d3e_q83vEjRWeJCrze8SNFZ4kKs"`
}

// Review is one user's word on one plugin.
type Review struct {
	ID         string               `json:"id" format:"uuid"`
	PluginID   string               `json:"plugin_id" format:"uuid"`
	Rating     int                  `json:"rating" minimum:"1" maximum:"5" example:"5"`
	Title      string               `json:"title" example:"Saves us an hour a week"`
	Body       string               `json:"body" example:"Deploys and rolls back without surprises."`
	ProTip     string               `json:"pro_tip,omitempty" example:"Set the cluster once, in the settings."`
	Gotcha     string               `json:"gotcha,omitempty" example:"It wants kubectl 1.30 or newer."`
	ExampleURL string               `json:"example_url,omitempty" example:"https://github.com/acme/demo"`
	Frameworks []string             `json:"frameworks" example:"kubernetes,helm"`
	TeamSize   string               `json:"team_size,omitempty" example:"small"`
	Author     Author               `json:"author"`
	Digest     string               `json:"digest,omitempty" doc:"Of the version that was reviewed" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Version    string               `json:"version,omitempty" doc:"That version as declared" example:"1.2.0"`
	State      plugpack.ReviewState `json:"state" enum:"shown,held,hidden" example:"shown"`
	Reason     string               `json:"reason,omitempty" doc:"Why it is not shown" example:"It is about another plugin"`
	Edition    int64                `json:"edition" doc:"Grows with every change by its author; a change names the one it started from" example:"1"`
	Helpful    int                  `json:"helpful" doc:"How many users it helped" example:"7"`
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
