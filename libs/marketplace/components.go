package marketplace

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/security"
)

// Bounds of one plugin's folders; links may make them endless.
const (
	maxDepth = 12
	maxVisit = 10_000
)

// inventory collects one plugin's components.
type inventory struct {
	folder fs.FS
	plugin string // its own name
	units  int    // of text that a session always holds
	list   []plugpack.Component
	env    []string // variables that hooks and servers read
	seen   map[string]bool
	visits int
	work   *work
}

// components lists what the plugin in folder adds to the client, by its
// default folders and by what its manifests declare, and how many units of text
// of them a session always holds.
func components(folder fs.FS, d declared, plugin string, w *work) (list []plugpack.Component, units int, env []string) {
	v := &inventory{folder: folder, plugin: plugin, seen: map[string]bool{}, work: w}
	v.commands(d)
	v.agents(d)
	v.skills(d)
	v.hooks(d)
	v.mcp(d)
	v.lsp(d)
	v.others(d)
	return v.list, v.units, distinct(v.env)
}

// add says whether the component was new.
func (v *inventory) add(kind plugpack.ComponentKind, label, about, at string) bool {
	c := plugpack.Component{
		Kind: kind, Name: name(label), Path: short(at),
		Description: plugpack.Cut(security.RedactSecrets(plugpack.Clean(about)), plugpack.MaxDescription),
	}
	key := string(kind) + " " + c.Name
	if c.Name == "" || v.seen[key] || len(v.list) >= plugpack.MaxComponents {
		return false
	}
	v.seen[key] = true
	v.list = append(v.list, c)
	return true
}

func (v *inventory) commands(d declared) {
	if !d.commandsSet {
		v.markdown(plugpack.Command, "commands")
		return
	}
	for _, item := range d.commands {
		switch item := item.(type) {
		case string:
			v.markdown(plugpack.Command, local(item))
		case object:
			v.commandMap(item)
		}
	}
}

func (v *inventory) commandMap(m object) {
	for _, label := range sortedKeys(m) {
		c, _ := m[label].(object)
		at := local(text(c["source"]))
		head, body, ok := v.read(at)
		if text(c["source"]) == "" {
			at = manifestFile
			head, body = claudecode.ReadFrontMatter([]byte(text(c["content"])))
		} else if !ok {
			continue
		}
		about := firstFilled(text(c["description"]), head.Text("description"), firstLine(body))
		if v.add(plugpack.Command, label, about, at) {
			v.measure(label, head, body)
		}
	}
}

func (v *inventory) agents(d declared) {
	if !d.agentsSet {
		v.markdown(plugpack.Agent, "agents")
		return
	}
	for _, item := range d.agents {
		v.markdown(plugpack.Agent, local(text(item)))
	}
}

// markdown adds the file, or every .md file under the folder, at p.
func (v *inventory) markdown(kind plugpack.ComponentKind, p string) {
	for _, file := range v.files(p, 0) {
		head, body, ok := v.read(file)
		if !ok {
			continue
		}
		rel := path.Base(file)
		if file != p {
			rel = strings.TrimPrefix(strings.TrimPrefix(file, p), "/")
		}
		label := strings.ReplaceAll(rel[:len(rel)-len(".md")], "/", ":")
		about := firstFilled(head.Text("description"), firstLine(body))
		// Agents are called by their own name; where two have the same, the
		// second is still one of its own.
		added := false
		if own := head.Text("name"); kind == plugpack.Agent && own != "" {
			added = v.add(kind, label[:strings.LastIndex(label, ":")+1]+own, about, file)
		}
		if added || v.add(kind, label, about, file) {
			v.measure(path.Base(label), head, body)
		}
	}
}

// firstLine is redacted first: the client cuts it, and half a secret is one too.
func firstLine(body []byte) string {
	const head = 2 << 10
	text := strings.ToValidUTF8(string(body[:min(len(body), head)]), "")
	return claudecode.FirstLine(security.RedactSecrets(text), "")
}

// Bounds of the front matter that is kept of one component.
const (
	maxKeys  = 32
	maxValue = 4 << 10
)

// measure adds what the file of the component added last costs, and its front
// matter. The client goes by the file's name.
func (v *inventory) measure(label string, head claudecode.FrontMatter, body []byte) {
	c := &v.list[len(v.list)-1]
	if i := strings.LastIndex(label, ":"); i >= 0 {
		label = label[i+1:]
	}
	units := claudecode.ListingUnits(c.Kind, v.plugin, label, head, body)
	v.units += units
	c.AlwaysOn, c.OnUse = claudecode.Tokens(units), claudecode.Tokens(claudecode.BodyUnits(body))
	c.Frontmatter = kept(head)
}

// kept gives the front matter's fields that are small enough to be kept.
func kept(head claudecode.FrontMatter) map[string]json.RawMessage {
	fields := head.JSON()
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		if len(fields[k]) > maxValue || len(k) > plugpack.MaxName || plugpack.Clean(k) != k {
			delete(fields, k)
		}
	}
	for len(fields) > maxKeys {
		delete(fields, slices.Sorted(maps.Keys(fields))[len(fields)-1])
	}
	if len(fields) == 0 {
		return nil
	}
	return fields
}

// files gives the .md files at or under p, in order. It follows links, which
// the folder itself keeps inside.
func (v *inventory) files(p string, depth int) []string {
	if !v.visit() || depth > maxDepth || !fs.ValidPath(p) {
		return nil
	}
	info, err := fs.Stat(v.folder, p)
	if err != nil {
		return nil
	}
	if !info.IsDir() {
		if strings.EqualFold(path.Ext(p), ".md") {
			return []string{p}
		}
		return nil
	}
	entries, _ := fs.ReadDir(v.folder, p)
	var found []string
	for _, e := range entries {
		found = append(found, v.files(path.Join(p, e.Name()), depth+1)...)
	}
	return found
}

// visit counts a file or folder that is looked at, for the plugin and for all
// of its marketplace, and says whether it still may be.
func (v *inventory) visit() bool {
	v.visits++
	v.work.reads++
	return v.visits <= maxVisit && v.work.reads <= maxReads
}

func (v *inventory) read(file string) (head claudecode.FrontMatter, body []byte, ok bool) {
	b, ok := v.bytes(file)
	if !ok {
		return head, nil, false
	}
	head, body = claudecode.ReadFrontMatter(b)
	// YAML takes long: 64 KiB of it may take a tenth of a second.
	v.work.reads += (len(b) - len(body)) >> 8
	return head, body, true
}

const skillFile = "SKILL.md"

func (v *inventory) skills(d declared) {
	before := len(v.list)
	if !d.onlySkills {
		v.skillFolders("skills")
	}
	for _, item := range d.skills {
		dir := local(text(item))
		if !v.skill(dir, path.Base(dir)) {
			v.skillFolders(dir)
		}
	}
	// A lone SKILL.md at the root is the whole plugin.
	if len(v.list) == before && !d.skillsSet {
		v.skill(".", "")
	}
}

func (v *inventory) skillFolders(dir string) {
	if !fs.ValidPath(dir) || v.skill(dir, path.Base(dir)) {
		return
	}
	entries, _ := fs.ReadDir(v.folder, dir)
	for _, e := range entries {
		if !v.visit() {
			return
		}
		v.skill(path.Join(dir, e.Name()), e.Name())
	}
}

// skill adds the skill in dir, if there is one; "" takes its name from the
// file.
func (v *inventory) skill(dir, label string) bool {
	file := path.Join(dir, skillFile)
	head, body, ok := v.read(file)
	if !ok {
		return false
	}
	if label == "" || label == "." {
		label = firstFilled(head.Text("name"), "skill")
	}
	if v.add(plugpack.Skill, label, firstFilled(head.Text("description"), firstLine(body)), file) {
		v.measure(label, head, body)
	}
	return true
}

const hooksFile = "hooks/hooks.json"

func (v *inventory) hooks(d declared) {
	maps, at := []object{}, map[string]string{}
	take := func(m object, file string) {
		if !claudecode.Default().TakesHooks(m) {
			return // the client drops all of them
		}
		maps = append(maps, m)
		for event := range m {
			at[event] = file
		}
	}
	fromFile := func(file string) {
		// A file without the wrapper has no hooks.
		if o, ok := v.json(file); ok {
			if m, ok := o["hooks"].(object); ok {
				take(m, file)
			}
		}
	}
	fromFile(hooksFile)
	for _, item := range d.hooks {
		switch item := item.(type) {
		case string:
			fromFile(local(item))
		case object:
			take(item, manifestFile)
		}
	}
	all := mergeHooks(maps)
	for _, event := range sortedKeys(all) {
		if v.add(plugpack.Hook, event, hookText(all[event]), at[event]) {
			v.list[len(v.list)-1].Handlers = handlers(all[event])
			v.env = append(v.env, shellVariables(all[event])...)
		}
	}
}

// hookText says in a few words what the event runs.
func hookText(v any) string {
	var parts []string
	groups, _ := v.([]any)
	for _, g := range groups {
		group, _ := g.(object)
		handlers, _ := group["hooks"].([]any)
		for _, h := range handlers {
			handler, _ := h.(object)
			what := firstFilled(text(handler["command"]), text(handler["prompt"]), host(text(handler["url"])), text(handler["tool"]))
			part := text(handler["type"]) + ": " + what
			if m := text(group["matcher"]); m != "" {
				part = m + ": " + part
			}
			if len(parts) < 50 {
				parts = append(parts, part)
			}
		}
	}
	return plugpack.Cut(strings.Join(parts, "; "), plugpack.MaxDescription)
}

func (v *inventory) json(file string) (object, bool) {
	b, ok := v.bytes(file)
	if !ok {
		return nil, false
	}
	o, err := claudecode.DecodeObject(b)
	return o, err == nil
}

func (v *inventory) bytes(file string) ([]byte, bool) {
	b, err := v.work.read(v.folder, file)
	return b, err == nil
}

const mcpFile = ".mcp.json"

func (v *inventory) mcp(d declared) {
	v.mcpFile(mcpFile)
	for _, item := range d.mcp {
		switch item := item.(type) {
		case object:
			v.servers(plugpack.MCP, item, manifestFile, claudecode.TakesMCPServer, mcpText)
		case string:
			if strings.HasSuffix(item, ".json") {
				v.mcpFile(local(item))
				continue
			}
			base := path.Base(item)
			if v.add(plugpack.MCP, strings.TrimSuffix(base, path.Ext(base)), "bundle", short(strings.TrimPrefix(item, "./"))) {
				v.list[len(v.list)-1].Server = &plugpack.Server{Transport: "bundle", URL: bareAddress(item)}
			}
		}
	}
}

func (v *inventory) mcpFile(file string) {
	o, ok := v.json(file)
	if !ok {
		return
	}
	if wrapped, ok := o["mcpServers"].(object); ok {
		o = wrapped
	}
	v.servers(plugpack.MCP, o, file, claudecode.TakesMCPServer, mcpText)
}

// servers adds those that the client takes; a bad one is dropped silently.
func (v *inventory) servers(kind plugpack.ComponentKind, m object, file string, takes func(object) bool, about func(object) string) {
	for _, label := range sortedKeys(m) {
		if server, ok := m[label].(object); ok && takes(server) && v.add(kind, label, about(server), file) {
			v.list[len(v.list)-1].Server = readServer(server)
			v.env = append(v.env, variables(server)...)
		}
	}
}

// mcpText names the program or host only: arguments, headers and queries may
// hold secrets.
func mcpText(server object) string {
	if address := text(server["url"]); address != "" {
		return fmt.Sprintf("%s: %s", text(server["type"]), host(address))
	}
	return "stdio: " + text(server["command"])
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Host
}

const lspFile = ".lsp.json"

func (v *inventory) lsp(d declared) {
	lists := append([]any{"./" + lspFile}, d.lsp...)
	for _, item := range lists {
		m, file := item, manifestFile
		if p, ok := item.(string); ok {
			file = local(p)
			m, _ = v.json(file)
		}
		if servers, ok := m.(object); ok {
			v.servers(plugpack.LSP, servers, file, claudecode.TakesLSPServer, lspText)
		}
	}
}

func lspText(server object) string {
	endings, _ := server["extensionToLanguage"].(object)
	return text(server["command"]) + ": " + strings.Join(sortedKeys(endings), " ")
}

// local turns a manifest's path into one within the plugin. What leads out of
// it is no valid path then, and the component is lost, as in the client.
func local(p string) string { return path.Join(".", p) }

func sortedKeys(o object) []string { return slices.Sorted(maps.Keys(o)) }
