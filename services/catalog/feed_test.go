package catalog_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

const unkind = `</title><script>alert(1)</script>&"'` + "\u202e]]>"

// atom is what RFC 4287 wants of a feed.
type atom struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Author  string   `xml:"author>name"`
	Entries []struct {
		ID      string    `xml:"id"`
		Title   string    `xml:"title"`
		Updated time.Time `xml:"updated"`
		Authors []struct {
			Name string `xml:"name"`
		} `xml:"author"`
		Link []struct {
			Href string `xml:"href,attr"`
		} `xml:"link"`
	} `xml:"entry"`
}

func (f *fixture) feed(t *testing.T) atom {
	t.Helper()
	w := f.get("/api/feeds/plugins.atom")
	var a atom
	if err := xml.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if _, err := time.Parse(time.RFC3339, a.Updated); err != nil || a.ID == "" || a.Title == "" || a.Author == "" {
		t.Fatalf("the head is no feed's: %v\n%s", err, w.Body)
	}
	seen := map[string]bool{}
	for n, e := range a.Entries {
		if e.ID == "" || e.Title == "" || e.Updated.IsZero() || len(e.Link) == 0 || seen[e.ID] {
			t.Errorf("entry %d: %+v", n, e)
		}
		for _, author := range e.Authors {
			if author.Name == "" {
				t.Errorf("entry %d has an author without a name", n)
			}
		}
		if n > 0 && e.Updated.After(a.Entries[n-1].Updated) {
			t.Errorf("entry %d is newer than the one before", n)
		}
		seen[e.ID] = true
	}
	return a
}

func TestFeed(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	if a := f.feed(t); len(a.Entries) != 0 {
		t.Fatalf("an empty catalog has %+v", a)
	}
	o := sample.Observation("acme/tools", "deploy", 0)
	o.Facts.Version, o.Facts.Author.Name, o.Facts.Description = unkind, "", unkind
	f.publish(events.NewPluginUpdated(o))
	f.changed("acme-tools-deploy", 1)
	f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "other", 1)))
	f.changed("acme-tools-other", 1)
	first := f.feed(t)
	if len(first.Entries) != 2 || !strings.Contains(first.Entries[1].Title, `</title><script>`) {
		t.Fatalf("got %+v", first)
	}
	etag := f.get("/api/feeds/plugins.atom").Header().Get("ETag")
	r := httptest.NewRequest(http.MethodGet, "/api/feeds/plugins.atom", nil)
	r.Header.Set("If-None-Match", etag)
	w := httptest.NewRecorder()
	f.server.Config.Handler.ServeHTTP(w, r)
	if etag == "" || w.Code != http.StatusNotModified {
		t.Errorf("the same feed again: %d with %q", w.Code, etag)
	}
	o = sample.Observation("acme/tools", "deploy", 5)
	o.Facts.Description = "Other words"
	f.publish(events.NewPluginUpdated(o))
	f.changed("acme-tools-deploy", 2)
	second := f.feed(t)
	if second.Entries[0].ID != first.Entries[1].ID || !(second.Updated > first.Updated) || f.get("/api/feeds/plugins.atom").Header().Get("ETag") == etag {
		t.Errorf("after a change: %+v", second)
	}
}

func TestBadge(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	for name, version := range map[string]string{"plain": "1.0.0", "unkind": unkind, "long": strings.Repeat("W", 200), "wide": strings.Repeat("版", 9)} {
		o := sample.Observation("acme/tools", name, 0)
		o.Facts.Version = version
		f.publish(events.NewPluginUpdated(o))
		f.changed("acme-tools-"+name, 1)
		for _, show := range []string{"score", "version", "stars", "maintenance"} {
			w := f.get("/badges/acme-tools-" + name + ".svg?show=" + show)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml" {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			checkBadge(t, w.Body.String())
		}
	}
}

// checkBadge reads an SVG: nothing in it runs or is fetched, and each text has
// room in the box around its middle.
func checkBadge(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	var (
		boxes [][2]int // of the two halves: from and to
		at    int
		texts int
	)
	for depth := 0; ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		switch e := token.(type) {
		case xml.StartElement:
			depth++
			a := map[string]string{}
			for _, x := range e.Attr {
				a[x.Name.Local] = x.Value
				if x.Name.Local == "href" || strings.HasPrefix(x.Name.Local, "on") {
					t.Errorf("it has %s in %s", x.Name.Local, svg)
				}
			}
			switch e.Name.Local {
			case "svg", "title", "clipPath", "g":
			case "rect":
				if a["fill"] != "" {
					x, _ := strconv.Atoi(a["x"])
					width, _ := strconv.Atoi(a["width"])
					boxes = append(boxes, [2]int{x, x + width})
				}
			case "text":
				at, _ = strconv.Atoi(a["x"])
				texts++
			default:
				t.Errorf("it has an element %s", e.Name.Local)
			}
		case xml.EndElement:
			depth--
			at = 0
		case xml.CharData:
			if at == 0 {
				continue
			}
			width := 0
			for _, r := range string(e) {
				width += 7
				if r > 0x2e80 {
					width += 4 // a letter of the font is as wide as it is high
				}
			}
			box := boxes[texts-1]
			if at-width/2 < box[0] || at+width/2 > box[1] {
				t.Errorf("%q is %d wide around %d, its box is %v", e, width, at, box)
			}
		}
	}
	if texts != 2 || len(boxes) != 2 {
		t.Errorf("%d texts and %d boxes in %s", texts, len(boxes), svg)
	}
}
