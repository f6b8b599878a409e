package fetch

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
)

// maxPackument bounds a registry's document of a package.
const maxPackument = 32 << 20

// packument is what a registry tells of a package, as far as installing needs it.
type packument struct {
	Tags     map[string]string  `json:"dist-tags"`
	Versions map[string]release `json:"versions"`
}

type release struct {
	Dist struct {
		Tarball   string `json:"tarball"`
		Integrity string `json:"integrity"`
	} `json:"dist"`
}

// npm gets a package's tarball. Its version stands for its commit.
func (f *Fetcher) npm(ctx context.Context, o marketplace.Origin, known Known) (Fetched, error) {
	address := strings.TrimSuffix(o.Address, "/") + "/" + strings.Replace(url.PathEscape(o.Package), "%40", "@", 1)
	resp, err := f.get(ctx, f.public, address, "application/vnd.npm.install-v1+json", known.ETag)
	if errs.KindOf(err) == errs.NotFound {
		return Fetched{}, errs.New(errs.NotFound, "the registry has no package %s", plugpack.Cut(o.Package, 200))
	}
	if err != nil {
		return Fetched{}, err
	}
	var doc packument
	err = json.NewDecoder(io.LimitReader(resp.Body, maxPackument)).Decode(&doc)
	_ = resp.Body.Close()
	if err != nil {
		return Fetched{}, errs.New(errs.Unavailable, "the registry's answer about %s is damaged: %w", o.Package, err)
	}
	version, err := doc.choose(o.Version)
	if err != nil {
		return Fetched{}, err
	}
	got := Fetched{Known: Known{version, resp.Header.Get("ETag")}}
	if version != known.Commit {
		got.Dir, err = f.tarball(ctx, doc.Versions[version])
	}
	return got, err
}

// choose picks the version as npm does: a tag, that version, or the newest that
// a range allows, the one tagged as latest first.
func (p packument) choose(want string) (string, error) {
	want = strings.TrimSpace(want)
	if want == "" {
		want = "latest"
	}
	if tagged, ok := p.Tags[want]; ok {
		want = tagged
	}
	if _, ok := p.Versions[want]; ok {
		return want, nil
	}
	none := errs.New(errs.NotFound, "the registry has no version %s of it", plugpack.Cut(plugpack.Clean(want), 100))
	allowed, err := semver.NewConstraint(want)
	if err != nil {
		return "", none
	}
	if v, err := semver.NewVersion(p.Tags["latest"]); err == nil && allowed.Check(v) && p.has(p.Tags["latest"]) {
		return p.Tags["latest"], nil
	}
	var best *semver.Version
	for text := range p.Versions {
		if v, err := semver.NewVersion(text); err == nil && allowed.Check(v) && (best == nil || v.GreaterThan(best)) {
			best = v
		}
	}
	if best == nil {
		return "", none
	}
	return best.Original(), nil
}

func (p packument) has(version string) bool { _, ok := p.Versions[version]; return ok }

// tarball downloads a release, and unpacks it once it is known to be the one
// that the registry names.
func (f *Fetcher) tarball(ctx context.Context, r release) (dir *archive.Dir, err error) {
	want, ok := sha512Of(r.Dist.Integrity)
	if !ok {
		return nil, errs.New(errs.Invalid, "the registry names no SHA-512 of its package, so nobody can tell whether it is the right one")
	}
	resp, err := f.get(ctx, f.public, r.Dist.Tarball, "application/octet-stream, */*", "")
	if err != nil {
		return nil, err
	}
	sum := sha512.New()
	file, _, err := f.download(resp, sum)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove(file)) }()
	if string(sum.Sum(nil)) != want {
		return nil, errs.New(errs.Invalid, "its package is not the one that the registry names: the SHA-512 differs")
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return f.temp.Unpack(ctx, file, f.limits)
}

// sha512Of finds the SHA-512 among a release's hashes.
func sha512Of(integrity string) (string, bool) {
	for _, one := range strings.Fields(integrity) {
		if text, ok := strings.CutPrefix(one, "sha512-"); ok {
			text, _, _ = strings.Cut(text, "?")
			b, err := base64.StdEncoding.DecodeString(text)
			return string(b), err == nil && len(b) == sha512.Size
		}
	}
	return "", false
}
