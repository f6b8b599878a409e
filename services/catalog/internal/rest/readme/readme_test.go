package readme_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/services/catalog/internal/rest/readme"
)

func from(file string, raw bool) string {
	page := "blob"
	if raw {
		page = "raw"
	}
	if file = path.Join("plugins/deploy", file); strings.HasPrefix(file, "..") {
		return ""
	}
	u := url.URL{Scheme: "https", Host: "github.com", Path: path.Join("/acme/tools", page, "0123abc", file)}
	return u.String()
}

func TestRender(t *testing.T) {
	t.Parallel()
	const at = "https://github.com/acme/tools/"
	for text, want := range map[string]string{
		"# Deploy It\n[up](#deploy-it)":               `<h1 id="readme-deploy-it">Deploy It</h1>` + "\n" + `<p><a href="#readme-deploy-it" rel="nofollow">up</a></p>`,
		"[docs](<docs/a b.md#x>)":                     `href="` + at + `blob/0123abc/plugins/deploy/docs/a%20b.md#x"`,
		"[up](../other/README.md)":                    `href="` + at + `blob/0123abc/plugins/other/README.md"`,
		"[out](../../../x)":                           `<a rel="nofollow">out</a>`,
		"[x](https://example.com/?a=1&b=2)":           `href="https://example.com/?a=1&amp;b=2"`,
		"[x](javascript:alert(1))":                    `<p>x</p>`,
		"![logo](img/logo.png)":                       `<a href="` + at + `raw/0123abc/plugins/deploy/img/logo.png" rel="nofollow">logo</a>`,
		"[![badge](https://b.example/x.svg)](./ci)":   `<a href="` + at + `blob/0123abc/plugins/deploy/ci" rel="nofollow">badge</a>`,
		`<img src="x.png" onerror="alert(1)">`:        `raw/0123abc/plugins/deploy/x.png" rel="nofollow">image</a>`,
		"<script>alert(1)</script>ok":                 `ok`,
		`<a href="docs/x.md" onclick="x()">y</a>`:     `<a href="` + at + `blob/0123abc/plugins/deploy/docs/x.md" rel="nofollow">y</a>`,
		"| a |\n|---|\n| b |":                         `<td>b</td>`,
		"- [x] done":                                  `type="checkbox"`,
		"```go\nfunc main() {}\n```":                  `<code class="language-go">func main() {}`,
		`<iframe src="https://example.com"></iframe>`: ``,
		`<div style="position:fixed">x</div>`:         `<div>x</div>`,
		"<p>never closed":                             `<p>never closed`,
	} {
		got, err := readme.Render(text, from, false)
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%q gives %q, %v; want %q in it", text, got, err, want)
		}
		for _, bad := range []string{"<script", "javascript:", "onerror", "onclick", "<img", "<iframe", "style="} {
			if strings.Contains(got, bad) {
				t.Errorf("%q gives %q", text, got)
			}
		}
	}
	got, err := readme.Render("![logo](img/logo.png) <img src='//cdn.example/x.png' width=5>", from, true)
	if err != nil || !strings.Contains(got, `<img src="`+at+`raw/0123abc/plugins/deploy/img/logo.png" alt="logo"`) || !strings.Contains(got, `src="https://cdn.example/x.png"`) {
		t.Errorf("with images: %q, %v", got, err)
	}
	if got, err := readme.Render("[a](b.md)", func(string, bool) string { return "" }, false); err != nil || strings.Contains(got, "href") {
		t.Errorf("without an origin: %q, %v", got, err)
	}
}

func FuzzRender(f *testing.F) {
	f.Add("<img src=x onerror=alert(1)> [a](javascript:x) <svg/onload=alert(1)>")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readme.Render(text, from, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"<script", "<img", "<iframe", "<svg", "<object", `href="javascript:`, `href="data:`} {
			if strings.Contains(strings.ToLower(got), bad) {
				t.Errorf("%q gives %q", text, got)
			}
		}
	})
}
