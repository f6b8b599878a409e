// Package readme makes a plugin's README safe to show.
//
// A README is a stranger's text: its Markdown and HTML go through an allow-list,
// its links lead to the commit that was read, at the host that it came from,
// and nothing in it is fetched by a reader's browser unless images are asked
// for, since an image tells its server who looks.
package readme

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	nethtml "golang.org/x/net/html"
)

// Resolver gives the address of a file on the host that it came from, or "" if
// it has none: of its page, or of its bytes. A path is relative to the README's
// folder, or, with a slash before it, to the repository.
type Resolver func(file string, raw bool) string

// markdown lets HTML through; policy takes out what may not stay.
var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()), goldmark.WithRendererOptions(html.WithUnsafe()))

var policy = func() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.AllowAttrs("class").Matching(bluemonday.SpaceSeparatedTokens).OnElements("code")
	p.AllowAttrs("checked", "disabled", "type").OnElements("input")
	p.RequireNoFollowOnLinks(true)
	return p
}()

// Render gives the README's HTML. Without images, each becomes a link.
func Render(text string, resolve Resolver, images bool) (string, error) {
	var rendered bytes.Buffer
	if err := markdown.Convert([]byte(text), &rendered); err != nil {
		return "", fmt.Errorf("render the readme: %w", err)
	}
	var b strings.Builder
	w := rewriter{file: resolve, images: images, to: &b}
	tokens := nethtml.NewTokenizer(policy.SanitizeReader(&rendered))
	for {
		if tokens.Next() == nethtml.ErrorToken {
			if err := tokens.Err(); err != io.EOF {
				return "", fmt.Errorf("read the rendered readme: %w", err)
			}
			return b.String(), nil
		}
		w.write(tokens.Token())
	}
}

// rewriter resolves addresses, token by token.
type rewriter struct {
	file   Resolver
	images bool
	to     *strings.Builder
	links  int // open ones
}

func (w *rewriter) write(t nethtml.Token) {
	if t.Data == "a" && t.Type == nethtml.StartTagToken {
		w.links++
	}
	if t.Data == "a" && t.Type == nethtml.EndTagToken {
		w.links--
	}
	if t.Data == "img" && t.Type != nethtml.EndTagToken && !w.images {
		w.to.WriteString(w.instead(t))
		return
	}
	kept := t.Attr[:0]
	for _, a := range t.Attr {
		switch a.Key {
		case "href":
			a.Val = w.resolve(a.Val, false)
		case "src":
			a.Val = w.resolve(a.Val, true)
		case "id":
			a.Val = anchor + a.Val // or it could be taken for a part of the page that shows it
		}
		if a.Val != "" || a.Key != "href" && a.Key != "src" {
			kept = append(kept, a)
		}
	}
	t.Attr = kept
	w.to.WriteString(t.String())
}

// anchor stands before every id of a README.
const anchor = "readme-"

// instead gives what stands for an image that is not loaded.
func (w *rewriter) instead(t nethtml.Token) string {
	alt, src := "image", ""
	for _, a := range t.Attr {
		switch {
		case a.Key == "alt" && a.Val != "":
			alt = a.Val
		case a.Key == "src":
			src = w.resolve(a.Val, true)
		}
	}
	alt = nethtml.EscapeString(alt)
	if w.links > 0 || src == "" {
		return alt
	}
	return fmt.Sprintf(`<a href="%s" rel="nofollow">%s</a>`, nethtml.EscapeString(src), alt)
}

// resolve makes an address whole: one within the repository leads to its host,
// one within the README stays there. What leads nowhere is "".
func (w *rewriter) resolve(address string, raw bool) string {
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil:
		return ""
	case u.Scheme == "https" || u.Scheme == "http" || u.Scheme == "mailto" && !raw:
		return u.String()
	case u.Scheme != "":
		return ""
	case u.Host != "":
		u.Scheme = "https"
		return u.String()
	case u.Path == "":
		return "#" + anchor + u.EscapedFragment()
	}
	whole := w.file(u.Path, raw)
	if whole != "" && u.Fragment != "" {
		whole += "#" + u.EscapedFragment()
	}
	return whole
}
