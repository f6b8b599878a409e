package rest

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gorilla/feeds"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// feedEntries is how many plugins a feed holds.
const feedEntries = 50

type textOutput struct {
	Type  string `header:"Content-Type"`
	Cache string `header:"Cache-Control"`
	Body  []byte
}

func (h *handlers) registerFeed(a huma.API) {
	get(h, a, "/api/feeds/plugins.atom", "plugins-feed", "New and updated plugins as an Atom feed; takes the filters of the list", "Feeds", h.feed, content("application/atom+xml", `<feed xmlns="http://www.w3.org/2005/Atom"><title>PlugPack: new and updated Claude Code plugins</title><entry>…</entry></feed>`))
}

// content says which type an operation answers with, such as the example.
func content(mediaType, example string) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.Responses = map[string]*huma.Response{"200": {
			Description: "OK", Content: map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: huma.TypeString}, Example: example}},
		}}
	}
}

func (h *handlers) feed(ctx context.Context, in *struct{ Filter }) (*textOutput, error) {
	listed, err := h.store.Plugins(ctx, in.noun(), postgres.Page{Sort: postgres.SortUpdated, Limit: feedEntries})
	if err != nil {
		return nil, err
	}
	f := &feeds.Feed{
		Title: "PlugPack: new and updated Claude Code plugins", Link: &feeds.Link{Href: h.options.PublicURL + "/api/plugins/?sort=updated"},
		Id: h.options.PublicURL + "/api/feeds/plugins.atom", Author: &feeds.Author{Name: "PlugPack"}, Updated: time.Unix(0, 0).UTC(), // of an empty one
	}
	for _, p := range apiPlugins(listed.Plugins) {
		f.Items = append(f.Items, h.entry(p))
		if p.UpdatedAt.After(f.Updated) {
			f.Updated = p.UpdatedAt
		}
	}
	body, err := f.ToAtom()
	return &textOutput{Type: "application/atom+xml; charset=utf-8", Cache: "max-age=60", Body: []byte(body)}, err
}

func (h *handlers) entry(p api.Plugin) *feeds.Item {
	title := p.Name + " in " + p.Marketplace.Name
	if p.Version != "" {
		title = p.Name + " " + p.Version + " in " + p.Marketplace.Name
	}
	item := &feeds.Item{
		Id: "urn:uuid:" + p.ID, Title: title, Link: &feeds.Link{Href: h.options.PublicURL + "/api/plugins/slug/" + p.Slug},
		Description: p.Description, Created: p.FirstSeen.Truncate(time.Second), Updated: p.UpdatedAt,
	}
	if p.Author.Name != "" { // an author needs a name; without one, the feed's counts
		item.Author = &feeds.Author{Name: p.Author.Name}
	}
	return item
}
