package github

import (
	"net/url"
	"path"
	"strings"

	"github.com/plugpack/plugpack/services/scraper/internal/outbound"
)

// ArchiveAddress gives the address of a repository's archive at a commit, branch
// or tag.
type ArchiveAddress func(repo, ref string) string

// Archives gives where a GitHub has its archives without a question to its API,
// which would count: each address is for where the one before has nothing. host
// is that of its repositories, api the address of its API.
func Archives(host string, api *url.URL) []ArchiveAddress {
	at := func(scheme, host string, parts ...string) string {
		return (&url.URL{Scheme: scheme, Host: host, Path: "/" + path.Join(parts...)}).String()
	}
	// It knows renamed repositories.
	web := func(repo, ref string) string { return at("https", host, repo, "archive", ref+".tar.gz") }
	switch {
	case outbound.IsLoopback(api.Hostname()):
		return []ArchiveAddress{func(repo, ref string) string { return at(api.Scheme, api.Host, "codeload", repo, "legacy.tar.gz", ref) }}
	case host == PublicHost:
		return []ArchiveAddress{func(repo, ref string) string { return at("https", "codeload.github.com", repo, "tar.gz", ref) }, web}
	}
	return []ArchiveAddress{web}
}

// hostAt gives the host whose repositories the API at base knows: the public API
// and a look-alike on this machine stand for github.com, any other for itself.
func hostAt(base *url.URL) string {
	host := strings.ToLower(base.Hostname())
	if host == "api."+PublicHost || outbound.IsLoopback(host) {
		return PublicHost
	}
	return host
}
