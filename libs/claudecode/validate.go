package claudecode

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// MarketplaceFile is where a marketplace's list is, in its repository.
const MarketplaceFile = ".claude-plugin/marketplace.json"

const manifestFile = ".claude-plugin/plugin.json"

// The kinds of what is validated.
const (
	KindPlugin      = "plugin"
	KindMarketplace = "marketplace"
)

// Validation is what "plugin validate" says.
type Validation struct {
	Valid  bool // no errors; warnings are allowed
	Kind   string
	Faults []plugpack.Fault
}

// ExitCode gives the client's own; strict counts warnings as errors.
func (v Validation) ExitCode(strict bool) int {
	if !v.Valid || strict && len(v.Faults) > 0 {
		return 1
	}
	return 0
}

// Validate says what the client's "plugin validate" says of target, a file or
// folder of fsys. A folder is a marketplace if it has such a file, else a plugin.
func (p *Profile) Validate(fsys fs.FS, target string) Validation {
	v := &validation{profile: p, fsys: fsys}
	switch {
	case !exists(fsys, target):
		v.fail(target, "file", "target_not_found", "There is no such file or folder; check the path.")
	case isDir(fsys, target):
		v.folder(target)
	default:
		v.file(path.Dir(target), path.Base(target))
	}
	valid := !slices.ContainsFunc(v.problems, func(p plugpack.Fault) bool { return p.Severity == plugpack.Error })
	return Validation{Valid: valid, Kind: v.kind, Faults: v.problems}
}

// validation collects what is found.
type validation struct {
	profile  *Profile
	fsys     fs.FS
	kind     string
	problems []plugpack.Fault
}

func (v *validation) add(s plugpack.Severity, file string, i issue) {
	if len(v.problems) < maxIssues {
		v.problems = append(v.problems, i.problem(s, file))
	}
}

func (v *validation) fail(file, path, code, text string) {
	v.add(plugpack.Error, file, issue{path, code, text})
}

func (v *validation) warn(file, path, code, text string) {
	v.add(plugpack.Warning, file, issue{path, code, text})
}

func (v *validation) folder(dir string) {
	switch {
	case exists(v.fsys, path.Join(dir, MarketplaceFile)):
		v.file(dir, MarketplaceFile)
	case exists(v.fsys, path.Join(dir, manifestFile)):
		v.file(dir, manifestFile)
	default:
		v.fail(".", "directory", "no_manifest", "The folder has neither .claude-plugin/marketplace.json nor .claude-plugin/plugin.json; write one.")
	}
}

// file validates one manifest; what it holds decides which kind it is.
func (v *validation) file(dir, name string) {
	limit := int64(maxFile)
	if strings.HasSuffix(name, "marketplace.json") {
		limit = maxList
	}
	b, err := read(v.fsys, path.Join(dir, name), limit)
	if err != nil {
		v.fail(name, "file", "unreadable_file", "It cannot be read: it "+err.Error()+".")
		return
	}
	value, err := decode(b)
	o, isObject := value.(object)
	_, hasPlugins := o["plugins"]
	v.kind = KindPlugin
	if name == MarketplaceFile || path.Base(name) == "marketplace.json" || path.Base(name) != "plugin.json" && hasPlugins {
		v.kind = KindMarketplace
	}
	root := pluginRoot(dir, name)
	switch {
	case err != nil:
		v.fail(name, "json", "bad_json", "It "+err.Error()+".")
		if v.kind == KindPlugin {
			v.contents(root)
		}
	case !isObject && v.kind == KindMarketplace:
		v.fail(name, "root", "wrong_type", "It is "+typeName(value)+"; make it an object.")
	case !isObject:
		v.fail(name, "root", "root_not_object", "It is "+typeName(value)+"; make it an object.")
		v.contents(root)
	case v.kind == KindMarketplace:
		v.marketplace(root, name, o)
	default:
		for _, i := range v.profile.checkManifest(v.subFS(root), o) {
			v.add(i.severity, name, i.issue)
		}
		v.contents(root)
	}
}

// pluginRoot gives the folder that a manifest's paths start from.
func pluginRoot(dir, name string) string {
	full := path.Join(dir, name)
	if path.Base(path.Dir(full)) == ".claude-plugin" {
		return path.Dir(path.Dir(full))
	}
	return path.Dir(full)
}

func (v *validation) subFS(dir string) fs.FS {
	sub, err := fs.Sub(v.fsys, dir)
	if err != nil {
		return v.fsys
	}
	return sub
}

// judged is an issue with its weight.
type judged struct {
	issue
	severity plugpack.Severity
}

// checkManifest gives all that is wrong with plugin.json itself.
func (p *Profile) checkManifest(plugin fs.FS, o object) (found []judged) {
	schema := p.manifest(o)
	for _, i := range append(schema, checkPaths(plugin, o, p.dotSkills)...) {
		found = append(found, judged{i, plugpack.Error})
	}
	warnings := p.fieldWarnings(o)
	if len(schema) == 0 { // the client gives advice on what it could read only
		warnings = append(warnings, advice(o)...)
	}
	for _, i := range warnings {
		found = append(found, judged{i, plugpack.Warning})
	}
	return found
}

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// advice is what would make a good manifest better.
func advice(o object) (found []issue) {
	if name, _ := o["name"].(string); !kebab.MatchString(name) {
		found = append(found, issue{"name", "not_kebab_case", "The name is not kebab-case; write it such as my-plugin."})
	}
	for _, want := range []struct{ name, code string }{{"version", "no_version"}, {"description", "no_description"}} {
		if s, ok := o[want.name]; !ok || s == "" {
			found = append(found, issue{want.name, want.code, "There is no " + want.name + "; add one."})
		}
	}
	if _, ok := o["author"]; !ok {
		found = append(found, issue{"author", "no_author", "There is no author; add one with a name."})
	}
	return found
}

// fieldWarnings tells of fields that are elsewhere or nothing to the client.
func (p *Profile) fieldWarnings(o object) (found []issue) {
	for _, k := range []string{"themes", "monitors"} {
		if _, ok := o[k]; ok {
			found = append(found, issue{k, "experimental_at_top", "Move it into experimental."})
		}
	}
	if e, ok := o["experimental"]; ok {
		found = append(found, experimentalWarnings(e)...)
	}
	return append(found, p.unknownFields("", o, p.knownPlugin(), p.entryOnly)...)
}

func experimentalWarnings(v any) (found []issue) {
	e, ok := v.(object)
	if !ok {
		return []issue{{"experimental", "experimental_type", "It is not an object, and the client ignores it."}}
	}
	for _, k := range sortedKeys(e) {
		if !slices.Contains([]string{"themes", "monitors", "evals"}, k) {
			found = append(found, issue{"experimental." + k, "unknown_field", "The client does not know this field and ignores it."})
		}
	}
	return found
}

func (p *Profile) knownPlugin() []string {
	names := []string{"name"}
	for _, f := range p.shared() {
		names = append(names, f.name)
	}
	return names
}

// foreign are fields of other tools' manifests, which the client knows to be
// harmless.
var foreign = strings.Fields(`icon main scripts prompts categories engines files bin type private publisher
	activationEvents contributes tools resources server dxt_version privacy_policies support compatibility
	bugs contributors preview`)

// unknownFields warns of the fields that the client ignores.
func (p *Profile) unknownFields(at string, o object, known, entryOnly []string) (found []issue) {
	for _, k := range sortedKeys(o) {
		if slices.Contains(known, k) {
			continue
		}
		code, text := "unknown_field", "The client does not know this field and ignores it."
		switch near := nearest(k, known); {
		case slices.Contains(entryOnly, k):
			code, text = "entry_only_field", "This belongs into the entry in marketplace.json."
		case slices.Contains(foreign, k):
			code, text = "unknown_field_foreign", "This is a field of another tool's manifest; the client ignores it."
		case near != "":
			code, text = "unknown_field_near", fmt.Sprintf("The client does not know this field; rename it to %s if that is meant.", near)
		}
		found = append(found, issue{join(at, k), code, text})
	}
	return found
}

// nearest gives the known word that is at most two letters away.
func nearest(word string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := levenshtein(strings.ToLower(word), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// levenshtein counts the letters to add, drop or change; words too long to be
// near count as far.
func levenshtein(a, b string) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 3
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = min(last, row[j], row[j+1]) + 1
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// errBound ends a walk that went too far.
var errBound = errors.New("too many files")
