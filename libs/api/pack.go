package api

import (
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Pack is a curated set of plugins in a list or a search result.
type Pack struct {
	ID          string              `json:"id" format:"uuid"`
	Slug        string              `json:"slug" example:"go-backend"`
	Name        string              `json:"name" example:"Go backend"`
	Description string              `json:"description" example:"What a Go service needs: tests, reviews and a way to ship it"`
	Difficulty  plugpack.Difficulty `json:"difficulty" enum:"beginner,intermediate,advanced"`
	Tags        []string            `json:"tags" example:"go,backend"`
	Minutes     int                 `json:"minutes,omitempty" doc:"Estimated time to set it up" example:"15"`
	Curator     string              `json:"curator,omitempty" example:"octocat"`
	Plugins     int                 `json:"plugins" doc:"How many are in it" example:"6"`
	Gone        int                 `json:"gone,omitempty" doc:"How many of them were removed from their marketplace; the pack installs without them" example:"0"`
	Featured    bool                `json:"featured"`
	Published   bool                `json:"published" example:"true"`
	Edition     int64               `json:"edition" doc:"Grows with every change by a curator; a change names the one it started from" example:"3"`
	Revision    int64               `json:"revision" doc:"Grows with every change, those of its plugins too" example:"9"`
	Install     PackInstall         `json:"install"`
	CreatedAt   time.Time           `json:"created_at"`
	UpdatedAt   time.Time           `json:"updated_at"`
}

// PackInstall holds the two commands that install a whole pack in the client.
type PackInstall struct {
	AddMarketplace string `json:"add_marketplace" example:"/plugin marketplace add https://plugpack.example/api/packs/slug/go-backend/marketplace.json"`
	InstallAll     string `json:"install_all" example:"/plugin install all@plugpack-go-backend"`
}

// PackPage is everything about one pack.
type PackPage struct {
	Pack    Pack         `json:"pack"`
	Plugins []PackPlugin `json:"plugins" doc:"In the order of its phases"`
}

// PackPlugin is a plugin's place in a pack.
type PackPlugin struct {
	Plugin      Plugin   `json:"plugin"`
	Phase       string   `json:"phase" example:"Ship"`
	Description string   `json:"description" doc:"Why it is in the pack" example:"Ships what the tests let through"`
	Commands    []string `json:"commands_to_run" example:"/deploy staging"`
	Gone        bool     `json:"gone,omitempty" doc:"It was removed from its marketplace"`
	LeftOut     string   `json:"left_out,omitempty" doc:"Why the pack's marketplace does not have it" example:"its source has no commit that it could be pinned to"`
}

// NewPack makes the list form of p; marketplace is its name in the client and
// address that of its file.
func NewPack(p plugpack.Pack, marketplace, address string) Pack {
	gone := 0
	for _, m := range p.Plugins {
		if m.Gone {
			gone++
		}
	}
	return Pack{
		ID: p.ID, Slug: p.Slug, Name: p.Name, Description: p.Description, Difficulty: p.Difficulty, Tags: orEmpty(p.Tags),
		Minutes: p.Minutes, Curator: p.Curator, Plugins: len(p.Plugins), Gone: gone, Featured: p.Featured, Published: p.Published,
		Edition: p.Edition, Revision: p.Revision, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
		Install: PackInstall{AddMarketplace: "/plugin marketplace add " + address, InstallAll: "/plugin install all@" + marketplace},
	}
}

// NewPackPage makes the page form of p with its plugins in order; leftOut says
// why its file lacks a plugin, by slug.
func NewPackPage(pack Pack, p plugpack.Pack, plugins []plugpack.Plugin, leftOut map[string]string) PackPage {
	page := PackPage{Pack: pack, Plugins: []PackPlugin{}}
	byID := map[string]plugpack.Plugin{}
	for _, x := range plugins {
		byID[x.ID] = x
	}
	for _, m := range p.Plugins {
		x, ok := byID[m.PluginID]
		if !ok {
			continue
		}
		page.Plugins = append(page.Plugins, PackPlugin{
			Plugin: NewPlugin(x), Phase: m.Phase, Description: m.Description, Commands: orEmpty(m.Commands), Gone: m.Gone, LeftOut: leftOut[m.Slug],
		})
	}
	return page
}
