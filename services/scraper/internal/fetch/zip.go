package fetch

import (
	"context"
	"errors"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
)

// zip gets an archive by its address. Its digest stands for its commit.
func (f *Fetcher) zip(ctx context.Context, o marketplace.Origin, known Known) (Fetched, error) {
	resp, err := f.get(ctx, f.public, o.Address, "application/zip, */*", known.ETag)
	if err != nil {
		return Fetched{}, err
	}
	sum := newSHA256()
	file, size, err := f.download(resp, sum)
	if err != nil {
		return Fetched{}, err
	}
	digest := hexOf(sum)
	got := Fetched{Known: Known{digest, resp.Header.Get("ETag")}}
	switch {
	case o.SHA256 != "" && o.SHA256 != digest:
		err = errs.New(errs.Invalid, "its archive is not the one that the marketplace names: its SHA-256 is %s", digest)
	case digest != known.Commit:
		got.Dir, err = f.temp.UnpackZip(ctx, file, size, f.limits)
	}
	return got, errors.Join(err, remove(file))
}
