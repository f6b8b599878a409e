package rest

import (
	"bytes"
	"context"
	"fmt"
	"html/template"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/plugpack"
)

func (h *handlers) registerBadge(a huma.API) {
	get(h, a, "/badges/{file}", "get-badge", "A badge for a README: {slug}.svg", "Badges", h.badge, content("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="180" height="20" role="img" aria-label="PlugPack score: 84/100">…</svg>`))
}

func (h *handlers) badge(ctx context.Context, in *struct {
	File string `path:"file" maxLength:"516" pattern:"^[a-z0-9-]+\\.svg$" patternDescription:"a slug and .svg" example:"acme-tools-deploy.svg"`
	Show string `query:"show" enum:"score,version,stars,maintenance" default:"score"`
},
) (*textOutput, error) {
	p, err := h.store.PluginBySlug(ctx, in.File[:len(in.File)-len(".svg")])
	if err != nil {
		return nil, err
	}
	if p.Removed && p.Successor != "" {
		if p, err = h.store.PluginBySlug(ctx, p.Successor); err != nil {
			return nil, err
		}
	}
	value, colour := badgeValue(p, in.Show)
	var b bytes.Buffer
	err = badgeSVG.Execute(&b, newBadge(in.Show, value, colour))
	return &textOutput{Type: "image/svg+xml", Cache: "max-age=300", Body: b.Bytes()}, err
}

// badgeValue gives what a badge says of a plugin, and the colour it says it in.
func badgeValue(p plugpack.Plugin, show string) (value, colour string) {
	const grey, blue, green, orange = "#6b7280", "#2563eb", "#15803d", "#b45309"
	switch {
	case p.Removed:
		return "removed", grey
	case show == "version" && p.Facts.Version != "":
		return plugpack.Cut(p.Facts.Version, 30), blue
	case show == "stars":
		return fmt.Sprint(p.Stars), blue
	case show == "maintenance":
		if p.Maintenance == plugpack.Active || p.Maintenance == plugpack.Maintained {
			return string(p.Maintenance), green
		}
		return string(p.Maintenance), orange
	case show == "score" && p.Score != nil && *p.Score >= 70:
		return fmt.Sprintf("%d/100", *p.Score), green
	case show == "score" && p.Score != nil:
		return fmt.Sprintf("%d/100", *p.Score), orange
	}
	return "listed", blue
}

type badge struct {
	Label, Value, Colour string
	Left, Right, Width   int
	LabelAt, ValueAt     int
}

// newBadge lays a badge out.
func newBadge(show, value, colour string) badge {
	b := badge{Label: "PlugPack " + show, Value: value, Colour: colour}
	b.Left, b.Right = widthOf(b.Label)+10, widthOf(value)+10
	b.Width, b.LabelAt, b.ValueAt = b.Left+b.Right, b.Left/2, b.Left+b.Right/2
	return b
}

// widthOf gives the pixels that a text takes, near enough: the font's letters
// are seven wide, and those of East Asia as wide as they are high.
func widthOf(text string) (n int) {
	for _, r := range text {
		if n += 7; r >= 0x2e80 {
			n += 4
		}
	}
	return n
}

var badgeSVG = template.Must(template.New("badge").Parse(`<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="20" role="img" aria-label="{{.Label}}: {{.Value}}">` +
	`<title>{{.Label}}: {{.Value}}</title><clipPath id="r"><rect width="{{.Width}}" height="20" rx="3"/></clipPath>` +
	`<g clip-path="url(#r)"><rect width="{{.Left}}" height="20" fill="#374151"/><rect x="{{.Left}}" width="{{.Right}}" height="20" fill="{{.Colour}}"/></g>` +
	`<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">` +
	`<text x="{{.LabelAt}}" y="14">{{.Label}}</text><text x="{{.ValueAt}}" y="14">{{.Value}}</text></g></svg>`))
