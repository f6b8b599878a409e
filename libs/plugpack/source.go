package plugpack

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
)

var ownerRepo = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)

// ParseMarketplace reads how a person names a marketplace: "owner/repo" on
// GitHub, a repository's https address, or a folder ("./x", "/x"). host
// is the host that a bare owner/repo means, such as "github.com".
func ParseMarketplace(text, host string) (MarketplaceKey, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", errs.New(errs.Invalid, "no marketplace given: want owner/repo, an https address or a folder such as ./plugins")
	case text[0] == '/' || text[0] == '.' || text[0] == '~':
		return localKey(text)
	case ownerRepo.MatchString(text):
		return repositoryKey(host, text, text)
	}
	full := text
	if !strings.Contains(full, "://") {
		full = "https://" + full
	}
	u, err := url.Parse(full)
	switch {
	case strings.Contains(text, "@"):
		return "", errs.New(errs.Invalid, "marketplace address: want owner/repo or an https address without a user name or password")
	case err != nil || u.Scheme != "https" || u.Port() != "" || !strings.Contains(u.Hostname(), "."):
		return "", unknownForm(text)
	}
	return repositoryKey(u.Hostname(), strings.Trim(u.Path, "/"), text)
}

// repositoryKey refuses the names "." and "..", which would lead an address
// made of them elsewhere.
func repositoryKey(host, repo, text string) (MarketplaceKey, error) {
	repo = strings.TrimSuffix(repo, ".git")
	if !ownerRepo.MatchString(repo) || strings.HasSuffix(repo, "/.") || strings.HasSuffix(repo, "/..") {
		return "", unknownForm(text)
	}
	return NewMarketplaceKey(host, repo), nil
}

func unknownForm(text string) error {
	return errs.New(errs.Invalid, "marketplace %.200q: want owner/repo, an https address or a folder such as ./plugins", text)
}

func localKey(text string) (MarketplaceKey, error) {
	if strings.HasPrefix(text, "~") {
		return "", errs.New(errs.Invalid, "folder %.200q: write the whole path instead of ~", text)
	}
	dir, err := filepath.Abs(text)
	if err != nil {
		return "", errs.New(errs.Invalid, "folder %.200q: %w", text, err)
	}
	k := NewMarketplaceKey(LocalHost, filepath.ToSlash(dir))
	return k, k.Validate()
}
