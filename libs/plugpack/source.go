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
		return "", errs.New(errs.Invalid, "no marketplace given: want owner/repo, an https address or a folder")
	case text[0] == '/' || text[0] == '.' || text[0] == '~':
		return localKey(text)
	case ownerRepo.MatchString(text):
		return NewMarketplaceKey(host, text), nil
	}
	full := text
	if !strings.Contains(full, "://") {
		full = "https://" + full
	}
	u, err := url.Parse(full)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" {
		return "", errs.New(errs.Invalid, "marketplace %.200q: want owner/repo, an https address or a folder", text)
	}
	repo := strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
	if !ownerRepo.MatchString(repo) || !strings.Contains(u.Hostname(), ".") {
		return "", errs.New(errs.Invalid, "marketplace %.200q: want owner/repo, an https address or a folder", text)
	}
	return NewMarketplaceKey(u.Hostname(), repo), nil
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
