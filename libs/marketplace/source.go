package marketplace

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/security"
)

// readSource reads an entry's source. problem says why the client lists the
// entry as unsupported, or refuses to install it.
func readSource(v any) (s plugpack.Source, problem string) {
	switch v := v.(type) {
	case string:
		return relativeSource(v)
	case object:
		return objectSource(v)
	case nil:
		return unsupported("source is missing")
	}
	return unsupported("source is neither a path nor an object")
}

func unsupported(problem string) (plugpack.Source, string) {
	return plugpack.Source{Kind: plugpack.SourceUnsupported}, problem
}

func relativeSource(text string) (s plugpack.Source, problem string) {
	if text != "." && !strings.HasPrefix(text, "./") {
		s, problem = unsupported(`source is a text that does not begin with "./"`)
		s.Path = bounded(text)
		return s, problem
	}
	s = plugpack.Source{Kind: plugpack.SourceRelative, Path: bounded(text)}
	if s.Path != text {
		return s, "source has characters that no path should have, or is too long"
	}
	return s, ""
}

func objectSource(o object) (plugpack.Source, string) {
	kind, ok := o["source"].(string)
	if !ok {
		return unsupported("source has no type")
	}
	required, optional := sourceFields(plugpack.SourceKind(kind))
	if required == nil {
		return unsupported(fmt.Sprintf("source type %q is unknown to the client", short(kind)))
	}
	s := plugpack.Source{Kind: plugpack.SourceKind(kind)}
	fields := map[string]*string{
		"repo": &s.Repo, "url": &s.URL, "path": &s.Path, "package": &s.Package, "version": &s.Version,
		"registry": &s.Registry, "ref": &s.Ref, "sha": &s.SHA, "sha256": &s.SHA256,
	}
	for _, name := range append(required, optional...) {
		text, _ := o[name].(string)
		if *fields[name] = bounded(text); *fields[name] != text {
			return s, "source: " + name + " has invisible characters or is too long"
		}
	}
	s.URL, s.Registry = withoutPassword(s.URL), withoutPassword(s.Registry)
	return s, ""
}

func sourceFields(k plugpack.SourceKind) (required, optional []string) {
	switch k {
	case plugpack.SourceGitHub:
		return []string{"repo"}, []string{"ref", "sha"}
	case plugpack.SourceURL:
		return []string{"url"}, []string{"ref", "sha"}
	case plugpack.SourceGitSubdir:
		return []string{"url", "path"}, []string{"ref", "sha"}
	case plugpack.SourceNPM:
		return []string{"package"}, []string{"version", "registry"}
	case plugpack.SourceArchive:
		return []string{"url"}, []string{"sha256"}
	case plugpack.SourceCommand:
		return []string{}, nil
	}
	return nil, nil
}

var (
	repoText = regexp.MustCompile(`^[^/\s]+/[^/\s]+$`)
	scpText  = regexp.MustCompile(`^[A-Za-z0-9._-]+@([A-Za-z0-9.-]+):([^\s]+)$`)
)

func withoutPassword(s string) string {
	if u, err := url.Parse(s); err == nil && u.User != nil {
		u.User = nil
		return u.String()
	}
	return s
}

// gitHubHost is what a bare owner/repo means to the client, wherever the
// marketplace itself lives.
const gitHubHost = "github.com"

// bounded is for what says where files are, and is compared with what was read.
func bounded(s string) string { return plugpack.Cut(plugpack.Clean(s), plugpack.MaxShort) }

// short makes text fit for a short field. What is cut is redacted before: half a
// secret is one too.
func short(s string) string {
	return plugpack.Cut(security.RedactSecrets(plugpack.Clean(s)), plugpack.MaxShort)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// person reads an author or owner.
func person(v any) plugpack.Person {
	o, _ := v.(object)
	return plugpack.Person{Name: name(text(o["name"])), Email: short(text(o["email"])), URL: webAddress(text(o["url"]))}
}

func name(s string) string {
	return plugpack.Cut(security.RedactSecrets(plugpack.Clean(s)), plugpack.MaxName)
}

// webAddress keeps only what a page may link to: manifests may hold
// javascript: and data: addresses.
func webAddress(s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(s) > plugpack.MaxShort || plugpack.Clean(s) != s {
		return ""
	}
	return withoutPassword(s)
}

// renames reads the map of old names to new ones; a bad one is ignored whole,
// as the client does.
func renames(v any) map[string]string {
	o, ok := v.(object)
	if !ok {
		return nil
	}
	m := map[string]string{}
	for from, v := range o {
		to, ok := v.(string)
		if !ok && v != nil {
			return nil
		}
		if isName(from) && (to == "" || isName(to)) && len(m) < plugpack.MaxEntries {
			m[from] = to
		}
	}
	return m
}
