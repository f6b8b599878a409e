package postgres_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

// said is a message of PLUGIN. Messages of one group speak of repositories that
// may take each other's names; those of different groups know nothing of each
// other.
type said struct {
	subject string
	group   int
	event   any
}

// world is a few repositories on one host, and what scrapers say of them: the
// listing first, then the observations that differ from what was said last, all
// of them under a new name, and nothing more once an owner has opted out.
type world struct {
	t            *rapid.T
	now          int // minutes
	repositories []*repository
	log          []said
	said         map[string]map[string]string // of a marketplace: checksums by plugin
	optedOut     map[string]bool              // repositories' numbers and names
	gone         int
}

// repository is one repository, whatever it is called.
type repository struct {
	id      int64
	group   int
	name    string
	stars   int
	commit  int
	gone    bool
	plugins map[string]plugpack.Facts
	renames map[string]string
	moved   bool
	listed  plugpack.MarketplaceKey // as which it was announced last
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, said: map[string]map[string]string{}, optedOut: map[string]bool{}}
	for i, name := range []string{"acme/tools", "acme/box", "other/kit"} {
		r := &repository{id: int64(i + 1), group: i / 2, name: name, stars: 10, plugins: map[string]plugpack.Facts{}, renames: map[string]string{}}
		for _, plugin := range rapid.SliceOfNDistinct(rapid.SampledFrom(pluginNames), 3, len(pluginNames), rapid.ID).Draw(t, "plugins of "+name) {
			w.change(r, plugin)
		}
		w.repositories = append(w.repositories, r)
	}
	return w
}

var pluginNames = []string{"a", "b", "c", "d", "e", "f", "g"}

func (w *world) say(r *repository, subject string, event any) {
	w.log = append(w.log, said{subject, r.group, event})
}

// live runs the world for a while.
func (w *world) live(steps int) {
	for range steps {
		w.now++
		r := w.repositories[rapid.IntRange(0, len(w.repositories)-1).Draw(w.t, "repository")]
		switch rapid.SampledFrom([]string{
			"scan", "scan", "scan", "scan", "again", "fail", "gone", "rename plugin", "rename plugin", "transfer", "swap", "take over", "opt out", "search", "move",
		}).Draw(w.t, "what") {
		case "scan":
			w.edit(r)
			w.scan(r, false)
		case "again":
			r.commit++
			w.scan(r, true)
		case "fail":
			w.fail(r, r.gone)
		case "gone":
			w.goAway(r)
		case "rename plugin":
			w.renamePlugin(r)
			w.scan(r, false)
		case "transfer":
			w.transfer(r)
		case "swap":
			w.swap(r)
		case "take over":
			w.takeOver(r)
		case "opt out":
			w.optOut(r)
		case "search":
			w.search(r)
		case "move":
			w.moveOrigin(r)
			w.scan(r, false)
		}
	}
}

// key is the marketplace's, as it is called now.
func (r *repository) key() plugpack.MarketplaceKey {
	return plugpack.NewMarketplaceKey("github.com", r.name)
}

func (r *repository) names() []string { return slices.Sorted(maps.Keys(r.plugins)) }

// change gives a plugin another content.
func (w *world) change(r *repository, name string) {
	f := sample.Observation(r.name, name, 0).Facts
	f.Description = rapid.SampledFrom([]string{"one", "two", "three"}).Draw(w.t, "text")
	f.Digest = fmt.Sprintf("%064x", len(f.Description))
	if rapid.IntRange(0, 5).Draw(w.t, "unread") == 0 {
		f.Digest, f.State, f.StateReason = "", plugpack.StateMissing, "It is not there."
	}
	r.plugins[name] = f
}

// edit is a commit: plugins come, go, come back and change.
func (w *world) edit(r *repository) {
	r.commit++
	r.stars = max(r.stars+rapid.IntRange(-3, 3).Draw(w.t, "stars"), 0)
	for _, name := range pluginNames {
		_, there := r.plugins[name]
		switch n := rapid.IntRange(0, 9).Draw(w.t, "edit of "+name); {
		case n == 0 && there && len(r.plugins) > 1:
			delete(r.plugins, name)
		case n == 1 || n == 2 && there:
			w.change(r, name)
			delete(r.renames, name)
		}
	}
	if rapid.IntRange(0, 3).Draw(w.t, "forgets renames") == 0 {
		clear(r.renames)
	}
}

// scan publishes what a scraper sees of r: everything when it is forced to.
func (w *world) scan(r *repository, force bool) {
	if w.silent(r) {
		return
	}
	key := r.key()
	state := fmt.Sprintf("%s#%d", key, r.id)
	l := sample.Listing(r.name, w.now, r.names()...)
	l.Repository.HostID, l.Repository.Stars, l.Renames = r.id, r.stars, maps.Clone(r.renames)
	l.Commit = fmt.Sprintf("%040x", r.commit)
	w.say(r, events.SubjectMarketplaceScanned(key), l)
	// The last one to use a key is the one whose plugins are known under it.
	for other := range w.said {
		if strings.HasPrefix(other, string(key)+"#") != strings.HasSuffix(other, fmt.Sprintf("#%d", r.id)) {
			delete(w.said, other)
		}
	}
	before := w.said[state]
	now := map[string]string{}
	for _, name := range r.names() {
		f := r.plugins[name]
		now[name] = fmt.Sprint(f.Description, f.Digest, f.Origin, f.State)
		if !force && before[name] == now[name] {
			continue
		}
		o := sample.Observation(r.name, name, w.now)
		f.Commit, o.Facts = l.Commit, f
		o.Facts.Commit = l.Commit
		w.say(r, events.SubjectPluginUpdated(o.Key()), o)
	}
	w.said[state], r.gone, r.listed = now, false, key
}

// silent: scrapers leave alone what is out, but for one that has not heard.
func (w *world) silent(r *repository) bool {
	return (w.optedOut[fmt.Sprint(r.id)] || w.optedOut[r.name]) && rapid.Bool().Draw(w.t, "has heard")
}

func (w *world) fail(r *repository, gone bool) {
	if w.silent(r) {
		return
	}
	key := cmp.Or(r.listed, r.key())
	w.say(r, events.SubjectMarketplaceFailed(key), plugpack.Failure{
		Key: key, ObservedAt: sample.At(w.now), Reason: fmt.Sprintf("away %d", w.now), Gone: gone,
	})
}

// goAway leaves a week to the repository that went before, so that the guard of
// a host's many has nothing to hold.
func (w *world) goAway(r *repository) {
	if r.listed == "" {
		return
	}
	w.now += 8 * 24 * 60
	w.gone++
	w.fail(r, true)
	r.gone = true
	delete(w.said, fmt.Sprintf("%s#%d", r.listed, r.id))
}

func (w *world) renamePlugin(r *repository) {
	old := rapid.SampledFrom(r.names()).Draw(w.t, "renames")
	to := rapid.SampledFrom(append([]string{old + "2", ""}, pluginNames...)).Draw(w.t, "to")
	if _, taken := r.plugins[to]; taken || to == "" && len(r.plugins) == 1 || len(to) > 3 {
		return
	}
	if to != "" {
		r.plugins[to] = r.plugins[old]
		delete(r.renames, to)
	}
	r.renames[old] = to
	delete(r.plugins, old)
}

// transfer gives the repository a name that is free in its group.
func (w *world) transfer(r *repository) {
	name := rapid.SampledFrom([][]string{{"acme/tools", "acme/box", "beta/tools"}, {"other/kit", "other/case"}}[r.group]).Draw(w.t, "name")
	if !slices.ContainsFunc(w.repositories, func(o *repository) bool { return o.name == name }) {
		r.name, r.moved = name, r.listed != ""
		w.scan(r, false)
	}
}

// swap lets two repositories of a group change their names.
func (w *world) swap(r *repository) {
	for _, o := range w.repositories {
		if o != r && o.group == r.group {
			o.name, r.name = r.name, o.name
			o.moved, r.moved = true, true
			w.scan(r, false)
			return
		}
	}
}

// takeOver makes a repository, with a number of its own, under r's name; r is
// not heard of any more. What was said of r under another name would stay in the
// stream until a scan under that name finds nothing, so r must not have had one.
func (w *world) takeOver(r *repository) {
	if r.moved {
		return
	}
	r.id += 10
	r.listed, r.gone = "", false
	w.scan(r, false)
}

// optOut takes one repository out, by its name and by the number that scrapers
// know of it.
func (w *world) optOut(r *repository) {
	if len(w.optedOut) > 0 {
		return
	}
	out := func(name string, id int64) {
		o := plugpack.OptOut{Name: name, Reason: "asked for", At: sample.At(w.now)}
		if id != 0 {
			o.Host, o.HostID = "github.com", id
			w.optedOut[fmt.Sprint(id)] = true
		}
		w.say(r, events.SubjectRepositoryOptedOut(o.Name), o)
	}
	w.optedOut[r.name] = true
	if rapid.Bool().Draw(w.t, "by name") {
		out(r.name, 0)
	}
	if r.listed != "" || len(w.log) == 0 || rapid.Bool().Draw(w.t, "by number") {
		out(string(r.key()), r.id)
	} else {
		out(r.name, 0)
	}
}

func (w *world) search(r *repository) {
	method := rapid.SampledFrom([]string{"code", "topic"}).Draw(w.t, "method")
	w.say(r, events.SubjectDiscoveryFinished(method), plugpack.Discovery{Method: method, FinishedAt: sample.At(w.now), Found: w.now})
}

// moveOrigin lets a plugin have its files in a repository that may be out.
func (w *world) moveOrigin(r *repository) {
	name := rapid.SampledFrom(r.names()).Draw(w.t, "moves")
	f := r.plugins[name]
	f.Origin = string(w.repositories[rapid.IntRange(0, len(w.repositories)-1).Draw(w.t, "to")].key()) + "/plugins/" + name
	r.plugins[name] = f
}
