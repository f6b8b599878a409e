package marketplace

import (
	"net/url"
	"path"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Origin is a place outside of the marketplace's repository where a plugin's
// files are. Entries that mean the same place have equal origins, however they
// write it.
type Origin struct {
	// Kind is SourceURL for every Git repository, SourceNPM or SourceArchive.
	Kind plugpack.SourceKind `json:"kind"`
	// Address is that of the repository without ".git", of the registry, or of
	// the archive.
	Address string `json:"address"`
	Path    string `json:"path,omitempty"`    // of the folder in the repository, "" for all of it
	Ref     string `json:"ref,omitempty"`     // branch or tag, "" for the repository's own choice
	SHA     string `json:"sha,omitempty"`     // commit; it decides over Ref
	Package string `json:"package,omitempty"` // npm
	Version string `json:"version,omitempty"` // npm: version, tag or range, "" for the newest
	SHA256  string `json:"sha256,omitempty"`  // archive, "" if the entry does not say
}

// Pinned says whether the origin's files can never be others.
func (o Origin) Pinned() bool { return o.SHA != "" || o.SHA256 != "" }

// Repository gives the origin without its folder: what has to be fetched.
func (o Origin) Repository() Origin {
	o.Path = ""
	return o
}

// Key gives host/owner/repo/path in lower case, by which listings of one origin
// are told to be one.
func (o Origin) Key() string { return originKey(o) }

// Files are an origin's, from its folder down.
type Files struct {
	Input
	Close func()
}

// Opener gives the files of an origin. What becomes of a plugin that it cannot
// give is decided by the error's kind: NotFound is missing, Invalid is broken,
// Forbidden is unsupported, and all else is not read yet.
type Opener func(Origin) (Files, error)

// stateOf says what an error of an Opener means.
func stateOf(err error) plugpack.State {
	switch errs.KindOf(err) {
	case errs.NotFound:
		return plugpack.StateMissing
	case errs.Invalid:
		return plugpack.StateBroken
	case errs.Forbidden:
		return plugpack.StateUnsupported
	}
	return plugpack.StateNotReadYet
}

// npmRegistry is asked when an entry names none.
const npmRegistry = "https://registry.npmjs.org"

// originOf gives where an entry's files are. problem says why nobody can get
// them there.
func originOf(s plugpack.Source) (o Origin, problem string) {
	switch s.Kind {
	case plugpack.SourceGitHub:
		return gitOrigin("https://"+gitHubHost+"/"+s.Repo, s)
	case plugpack.SourceURL, plugpack.SourceGitSubdir:
		return gitOrigin(s.URL, s)
	case plugpack.SourceNPM:
		o = Origin{Kind: plugpack.SourceNPM, Address: npmRegistry, Package: s.Package, Version: s.Version}
		if s.Registry != "" {
			o.Address = strings.TrimSuffix(s.Registry, "/")
		}
		return o, ""
	case plugpack.SourceArchive:
		return Origin{Kind: plugpack.SourceArchive, Address: s.URL, SHA256: strings.ToLower(s.SHA256)}, ""
	case plugpack.SourceCommand:
		return o, "its files are made by a command that only the user's own machine may run"
	}
	return o, "its source is unknown"
}

func gitOrigin(address string, s plugpack.Source) (Origin, string) {
	host, repo, scheme := gitPlace(address)
	if scheme == "file" {
		return Origin{}, "its source is a folder of somebody's own machine"
	}
	if host == "" || repo == "" {
		return Origin{}, "its source is no address of a repository"
	}
	if s.SHA == "" && s.Ref != "" && !isRef(s.Ref) {
		return Origin{}, "its source's ref is no name of a branch or tag"
	}
	// GitHub does not tell letter cases apart; other hosts may.
	if host == gitHubHost {
		scheme, repo = "https", strings.ToLower(repo)
	}
	o := Origin{Kind: plugpack.SourceURL, Address: scheme + "://" + host + "/" + repo, Ref: s.Ref, SHA: s.SHA}
	if s.SHA != "" {
		o.Ref = ""
	}
	if p := path.Clean(s.Path); s.Kind == plugpack.SourceGitSubdir && p != "." {
		o.Path = p
	}
	return o, ""
}

// isRef says whether git can have a branch or tag of the name. It becomes a part
// of addresses, where .. would lead to another repository.
func isRef(name string) bool {
	return path.Clean("/"+name) == "/"+name && !strings.Contains(name, "..") && !strings.Contains(name, "@{") && !strings.ContainsAny(name, `~^:?*[\`) &&
		strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) < 0
}

// gitPlace takes an address apart. What is fetched over SSH by the client is
// fetched over https here.
func gitPlace(address string) (host, repo, scheme string) {
	if m := scpText.FindStringSubmatch(address); m != nil {
		return strings.ToLower(m[1]), bareRepo(m[2]), "https"
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "", "", ""
	case u.Host != "":
		return strings.ToLower(u.Host), bareRepo(u.Path), u.Scheme
	case u.Scheme == "" && repoText.MatchString(address):
		return gitHubHost, bareRepo(address), "https"
	}
	return "", "", u.Scheme
}

// bareRepo gives a repository's path without what different people write
// differently.
func bareRepo(p string) string {
	return strings.TrimSuffix(strings.Trim(path.Clean("/"+p), "/"), ".git")
}

func originKey(o Origin) string {
	u, err := url.Parse(o.Address)
	if err != nil {
		return ""
	}
	at := path.Join(strings.ToLower(u.Hostname()), strings.ToLower(u.Path))
	switch o.Kind {
	case plugpack.SourceNPM:
		at = path.Join(strings.ToLower(u.Hostname()), strings.ToLower(o.Package))
	case plugpack.SourceURL:
		at = path.Join(at, strings.ToLower(o.Path))
	}
	if len(at) > plugpack.MaxShort {
		return ""
	}
	return at
}

// origin names where a plugin's files live, so that listings of one plugin in
// several marketplaces can be told to be one.
func origin(market plugpack.MarketplaceKey, s plugpack.Source) string {
	if s.Kind == plugpack.SourceRelative {
		at := path.Join(string(market), s.Path)
		if !market.Local() {
			at = strings.ToLower(at)
		}
		if len(at) > plugpack.MaxShort {
			return ""
		}
		return at
	}
	o, problem := originOf(s)
	if problem != "" {
		return ""
	}
	return o.Key()
}
