package pinned

import (
	"encoding/json"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Source is where the client fetches a plugin: a repository, or a folder of it,
// at one commit.
type Source struct {
	Source string `json:"source" enum:"url,git-subdir" example:"git-subdir"` // url or git-subdir
	URL    string `json:"url" example:"https://github.com/acme/tools.git"`
	Path   string `json:"path,omitempty" example:"plugins/deploy"`
	SHA    string `json:"sha" example:"3f2c1d9a8b7e6f5d4c3b2a190817263544536271"`
}

var fullSHA = regexp.MustCompile(`^[0-9a-f]{40}$`)

// entry gives the plugin's entry without its name, or why there can be none.
func entry(p plugpack.Plugin) (e Entry, reason string) {
	f := p.Facts
	if reason := unfit(p); reason != "" {
		return e, reason
	}
	source, reason := pin(p)
	if reason != "" {
		return e, reason
	}
	e = Entry{
		Source: source, Description: f.Description, Homepage: f.Homepage, License: f.License, Keywords: f.Keywords, Category: f.Category,
	}
	// A version here would have to change with every commit, or clients would
	// not update; without one they go by the plugin's own, or by the commit.
	if d := f.Declared; d != nil {
		e.Strict, e.Commands, e.Agents, e.Skills, e.OutputStyles = d.Strict, d.Commands, d.Agents, d.Skills, d.OutputStyles
		e.writtenOut(d.Fields)
		if dir, names, ok := chosenSkills(p); ok {
			e.Source.Source, e.Source.Path, e.Skills = "git-subdir", dir, names
		}
	}
	return e, ""
}

// writtenOut repeats what the entry of the plugin's own marketplace writes out.
func (e *Entry) writtenOut(fields map[string]json.RawMessage) {
	e.Hooks, e.MCPServers, e.LSPServers = fields["hooks"], fields["mcpServers"], fields["lspServers"]
	e.Workflows, e.Themes, e.Experimental = fields["workflows"], fields["themes"], fields["experimental"]
	e.UserConfig, e.Channels, e.Settings = fields["userConfig"], fields["channels"], fields["settings"]
}

// unfit says why no pack can have the plugin.
func unfit(p plugpack.Plugin) string {
	f := p.Facts
	switch {
	case p.Removed:
		return "it was removed from its marketplace"
	case p.Hidden != "":
		return "it was hidden by a curator: " + p.Hidden
	case f.State == plugpack.StateMissing, f.State == plugpack.StateBroken, f.State == plugpack.StateUnsupported:
		return "no client can install it: " + f.StateReason
	case f.Declared != nil && len(f.Declared.Inline) > 0:
		return "its marketplace writes " + strings.Join(f.Declared.Inline, ", ") + " with values that the hub does not repeat"
	case f.Verdicts != nil && f.Verdicts.Installs != nil && !*f.Verdicts.Installs:
		return "no client can install it: " + f.Verdicts.InstallReason
	}
	return ""
}

// pin gives the source that the client fetches exactly what was read from.
func pin(p plugpack.Plugin) (s Source, reason string) {
	f := p.Facts
	sha := f.Commit
	switch f.Source.Kind {
	case plugpack.SourceRelative:
		if p.Marketplace.Key.Local() {
			return s, "its marketplace is a folder of one machine"
		}
		s.URL, s.Path = "https://"+p.Marketplace.Key.Host()+"/"+p.Marketplace.Repository+".git", path.Clean(f.Source.Path)
	case plugpack.SourceGitHub:
		s.URL = "https://github.com/" + f.Source.Repo + ".git"
	case plugpack.SourceURL:
		s.URL = f.Source.URL
	case plugpack.SourceGitSubdir:
		s.URL, s.Path = f.Source.URL, path.Clean(f.Source.Path)
	default:
		return s, "a source of type " + string(f.Source.Kind) + " cannot be pinned to a commit"
	}
	if f.Source.SHA != "" {
		sha = f.Source.SHA
	}
	if !fullSHA.MatchString(sha) {
		return s, "the commit of its files is not known yet"
	}
	if s.URL = httpsAddress(s.URL); s.URL == "" {
		return s, "its repository has no https address"
	}
	if strings.HasPrefix(s.Path, "/") || strings.Contains(s.Path, "..") {
		return s, "its folder is not in its repository"
	}
	s.Source, s.SHA = "git-subdir", sha
	if s.Path == "" || s.Path == "." && f.Source.Kind == plugpack.SourceRelative {
		s.Source, s.Path = "url", ""
	}
	return s, ""
}

var (
	scp       = regexp.MustCompile(`^[A-Za-z0-9._-]+@([A-Za-z0-9.-]+):([^\s]+)$`)
	ownerRepo = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)
)

// httpsAddress gives a repository's https address, "" where it has none.
func httpsAddress(text string) string {
	if m := scp.FindStringSubmatch(text); m != nil {
		text = "https://" + m[1] + "/" + m[2]
	}
	if ownerRepo.MatchString(text) {
		text = "https://github.com/" + text + ".git"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	return u.String()
}

// chosenSkills handles an entry that is a whole repository and names some of
// its skills. In the repository's own marketplace the client takes only those;
// from elsewhere it would take all. The folder that they share, as the plugin,
// says the same.
func chosenSkills(p plugpack.Plugin) (dir string, names []string, ok bool) {
	d := p.Facts.Declared
	if p.Facts.Source.Kind != plugpack.SourceRelative || path.Clean(p.Facts.Source.Path) != "." || len(d.Skills) == 0 ||
		len(d.Commands)+len(d.Agents)+len(d.OutputStyles) > 0 {
		return "", nil, false
	}
	if slices.ContainsFunc(p.Facts.Components, func(c plugpack.Component) bool { return c.Kind != plugpack.Skill }) {
		return "", nil, false
	}
	for _, s := range d.Skills {
		parent, name := path.Split(path.Clean(s))
		if dir == "" {
			dir = path.Clean(parent)
		}
		if dir == "." || path.Clean(parent) != dir {
			return "", nil, false
		}
		names = append(names, "./"+name)
	}
	return dir, names, true
}
