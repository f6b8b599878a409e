package plugpack

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
)

// LocalHost is the host of marketplaces read from a folder of this machine.
const LocalHost = "local"

// MarketplaceKey identifies a marketplace: "host/owner/repo" in lower case,
// such as "github.com/acme/tools". Hosts with nested groups have more parts; a
// local folder has the host "local" and its absolute path in its own letters.
type MarketplaceKey string

// NewMarketplaceKey makes the key of repository repo ("owner/repo") at host.
func NewMarketplaceKey(host, repo string) MarketplaceKey {
	if host == LocalHost {
		return MarketplaceKey(LocalHost + "/" + strings.Trim(path.Clean(repo), "/"))
	}
	return MarketplaceKey(strings.ToLower(host + "/" + strings.Trim(repo, "/")))
}

// Host gives the key's first part.
func (k MarketplaceKey) Host() string { h, _, _ := strings.Cut(string(k), "/"); return h }

// Repository gives what follows the host: "owner/repo", or a folder's path.
func (k MarketplaceKey) Repository() string { _, r, _ := strings.Cut(string(k), "/"); return r }

// Owner gives the last part but one.
func (k MarketplaceKey) Owner() string { return path.Base(path.Dir(string(k))) }

// Repo gives the last part.
func (k MarketplaceKey) Repo() string { return path.Base(string(k)) }

// Local says whether the marketplace is a folder of this machine.
func (k MarketplaceKey) Local() bool { return k.Host() == LocalHost }

// Validate checks the key's form and length.
func (k MarketplaceKey) Validate() error {
	parts := 2
	if k.Local() {
		parts = 1 // a folder right under the root
	}
	if len(k) > 512 || strings.Count(string(k), "/") < parts || strings.HasSuffix(string(k), "/") || strings.Contains(string(k), "//") || Clean(string(k)) != string(k) {
		return errs.New(errs.Invalid, "marketplace key %.100q: want host/owner/repo", string(k))
	}
	return nil
}

// Plugin gives the key of the marketplace's entry called name.
func (k MarketplaceKey) Plugin(name string) Key { return Key{Marketplace: k, Name: name} }

// Key identifies a plugin: an entry of one marketplace. Names repeat across
// marketplaces, so a name alone never identifies.
type Key struct {
	Marketplace MarketplaceKey
	Name        string
}

// String gives "host/owner/repo:name".
func (k Key) String() string { return string(k.Marketplace) + ":" + k.Name }

// Slug gives the key's address on the web, "owner-repo-name" in kebab case.
// attempt 0 is the plain form; where another plugin has that slug already, the
// next attempts add six, then more hex digits of the key's SHA-256.
func (k Key) Slug(attempt int) string {
	s := Kebab(k.Marketplace.Owner() + "-" + k.Marketplace.Repo() + "-" + k.Name)
	if attempt == 0 {
		return s
	}
	sum := sha256.Sum256([]byte(k.String()))
	return s + "-" + hex.EncodeToString(sum[:])[:min(6*attempt, 64)]
}

// Kebab maps every run of other characters than a–z and 0–9 to one hyphen.
func Kebab(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
