package plugpack

import (
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
)

// OptOut says that somebody wants a repository, or all of an owner's, not to be
// read or shown. It holds for good: for marketplaces there and for plugins of
// other marketplaces whose files are there.
type OptOut struct {
	// Name is owner or owner/repo at any host, or host/owner/repo; lower case.
	Name string `json:"name"`
	// Host and HostID are the repository's own number where it is known, which
	// a new name does not change.
	Host   string    `json:"host,omitempty"`
	HostID int64     `json:"host_id,omitempty"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// Validate checks the name's form.
func (o OptOut) Validate() error {
	parts := strings.Split(o.Name, "/")
	ok := len(o.Name) <= 512 && o.Name == strings.ToLower(o.Name) && Clean(o.Name) == o.Name
	for _, p := range parts {
		ok = ok && p != "" && p != "." && p != ".." && !strings.ContainsAny(p, " \t:@\\*")
	}
	if !ok || len(parts) > 2 && !strings.Contains(parts[0], ".") {
		return errs.New(errs.Invalid, "opt-out %.100q: want owner, owner/repo or host/owner/repo", o.Name)
	}
	return nil
}

// OptOutNames gives the names by which an opt-out covers k. Folders of this
// machine are their operator's own, and nothing covers them.
func OptOutNames(k MarketplaceKey) []string {
	if k.Local() {
		return nil
	}
	key := strings.ToLower(string(k))
	_, repo, _ := strings.Cut(key, "/")
	owner, _, _ := strings.Cut(repo, "/")
	return []string{key, repo, owner}
}

// OriginKey gives the repository of an origin (host/owner/repo/path), or "" for
// one that is in none.
func OriginKey(origin string) MarketplaceKey {
	parts := strings.SplitN(origin, "/", 4)
	if len(parts) < 3 || !strings.Contains(parts[0], ".") {
		return ""
	}
	return NewMarketplaceKey(parts[0], parts[1]+"/"+parts[2])
}
