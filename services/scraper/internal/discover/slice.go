package discover

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// slice is a part of a search: its query, narrowed to a range on each axis and
// by words that a result has or has not. Two halves of a slice share no result
// and miss none.
type slice struct {
	Query  string     `json:"query"`
	Ranges [][2]int64 `json:"ranges"`          // one an axis, both ends in it
	Words  []string   `json:"words,omitempty"` // "word", or "NOT word"
	// Tries is how often it was looked at in vain.
	Tries int `json:"tries,omitempty"`
}

// axis is a number that every result has and a query can bound.
type axis struct {
	name     string
	min, max int64
	text     func(int64) string
	// skewed says that most results are near the lower end, so that a range is
	// best halved on a logarithmic scale.
	skewed bool
}

// space is what a search can be cut along: first the axes in their order, then
// the words.
type space struct {
	axes  []axis
	words []string
	// more are words that many results have, for a slice that cannot be cut.
	more []string
}

// codeSpace cuts a search for files by size. Files of 384 KiB and more are not
// in GitHub's index; the upmost range is open all the same. Equal sizes are
// common (templates, copies), so words follow: a file has a word or it has not,
// which cuts any slice in two, exactly. The other qualifiers that the code
// search of the API has would not do: extension, filename and path are the same
// for all of these files, language follows from them, and user, org and repo
// would need a list of what is searched for. GitHub takes five NOTs a query, so
// there are five words, chosen for being in some manifests and not in others.
func codeSpace(words ...string) space {
	size := axis{name: "size", max: 384<<10 - 1, text: decimal, skewed: true}
	return space{axes: []axis{size}, words: words, more: common}
}

// common are words of many manifests.
var common = []string{
	"claude", "plugin", "skills", "commands", "agents", "mcp", "tools", "code", "development", "workflow", "git", "test", "review", "docs",
	"ai", "security", "hooks", "version", "author", "source", "tags", "category", "homepage", "license", "keywords", "email",
}

// repositorySpace cuts a search for repositories by the second of their making,
// then by stars and by the second of their last push. now bounds the times; what
// is younger belongs to the last range.
func repositorySpace(now time.Time) space {
	begin := time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	return space{axes: []axis{
		{name: "created", min: begin, max: max(now.Unix(), begin), text: second},
		{name: "stars", max: 1 << 20, text: decimal, skewed: true},
		{name: "pushed", min: begin, max: max(now.Unix(), begin), text: second},
	}}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func second(n int64) string { return time.Unix(n, 0).UTC().Format(time.RFC3339) }

// whole is all of a query's results.
func (sp space) whole(query string) slice {
	s := slice{Query: query}
	for _, a := range sp.axes {
		s.Ranges = append(s.Ranges, [2]int64{a.min, a.max})
	}
	return s
}

// text is the slice as GitHub understands it. A range that is whole is left out
// and one that reaches the upper end has none.
func (sp space) text(s slice) string {
	parts := []string{s.Query}
	for i, a := range sp.axes {
		from, to := s.Ranges[i][0], s.Ranges[i][1]
		switch {
		case from == a.min && to == a.max:
		case to == a.max:
			parts = append(parts, fmt.Sprintf("%s:>=%s", a.name, a.text(from)))
		default:
			parts = append(parts, fmt.Sprintf("%s:%s..%s", a.name, a.text(from), a.text(to)))
		}
	}
	return strings.Join(append(parts, s.Words...), " ")
}

// halves cuts s in two; ok is false when there is nothing left to cut along.
func (sp space) halves(s slice) (a, b slice, ok bool) {
	for i, ax := range sp.axes {
		if from, to := s.Ranges[i][0], s.Ranges[i][1]; from < to {
			mid := ax.middle(from, to)
			return s.within(i, from, mid), s.within(i, mid+1, to), true
		}
	}
	if n := len(s.Words); n < len(sp.words) {
		return s.with(sp.words[n]), s.with("NOT " + sp.words[n]), true
	}
	return s, s, false
}

// middle gives the end of the lower half.
func (a axis) middle(from, to int64) int64 {
	mid := from + (to-from)/2
	if a.skewed {
		mid = int64(math.Sqrt(float64(from+1)*float64(to+1))) - 1
	}
	return min(max(mid, from), to-1)
}

func (s slice) within(i int, from, to int64) slice {
	s.Ranges, s.Tries = slices.Clone(s.Ranges), 0
	s.Ranges[i] = [2]int64{from, to}
	return s
}

func (s slice) with(word string) slice {
	s.Words, s.Tries = append(slices.Clone(s.Words), word), 0
	return s
}

// fits says whether s, from a memory that another version may have written, is
// one of this space.
func (sp space) fits(s slice) bool {
	if len(s.Ranges) != len(sp.axes) || len(s.Words) > len(sp.words) {
		return false
	}
	for i, a := range sp.axes {
		if r := s.Ranges[i]; r[0] < a.min || r[1] > a.max || r[0] > r[1] {
			return false
		}
	}
	return true
}
