package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/scraper/internal/outbound"
)

// Bounds of a pause that a host asks for, and what it gets when it names none.
const (
	minPause   = time.Second
	maxPause   = time.Hour
	usualPause = time.Minute
)

// get asks for address, on condition if etag is set, and gives a 200's answer.
// A 304 is errKnown.
func (f *Fetcher) get(ctx context.Context, client *http.Client, address, accept, etag string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errs.New(errs.Forbidden, "its source is no address")
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", accept)
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, unreachable(req.URL.Host, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified && etag != "" {
		return nil, errKnown
	}
	return nil, f.refused(req.URL.Host, resp)
}

// unreachable explains an error of the network.
func unreachable(host string, err error) error {
	if outbound.Refused(err) {
		return errs.New(errs.Forbidden, "its source at %s leads where no plugin may be read from: not the public internet over https", host)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return errs.New(errs.NotFound, "there is no host %s", host)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the address
	}
	return errs.New(errs.Unavailable, "%s cannot be reached (%w)", host, err)
}

// refused explains an answer that is not the wanted one.
func (f *Fetcher) refused(host string, resp *http.Response) error {
	status := resp.StatusCode
	if _, asked := resp.Header["Retry-After"]; status == http.StatusTooManyRequests || asked && status >= 400 {
		wait := f.pauseOf(resp.Header.Get("Retry-After"))
		f.hosts.rest(host, f.now().Add(wait))
		return errs.RetryLater(errs.TooMany, wait, "%s asks for a pause", host)
	}
	switch status {
	case http.StatusNotFound, http.StatusGone, http.StatusUnauthorized, http.StatusForbidden:
		return errs.New(errs.NotFound, "%s has nothing there, or it is private", host)
	case http.StatusUnavailableForLegalReasons:
		return errs.New(errs.NotFound, "%s may not show it for legal reasons", host)
	}
	return errs.New(errs.Unavailable, "%s answers %d", host, status)
}

func (f *Fetcher) pauseOf(text string) time.Duration {
	wait := usualPause
	if s, err := strconv.Atoi(text); err == nil {
		wait = time.Duration(s) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(f.now())
	}
	return min(max(wait, minPause), maxPause)
}

// download writes a body to a temporary file, which the caller removes, and
// hashes it on the way.
func (f *Fetcher) download(resp *http.Response, hashes ...hash.Hash) (file *os.File, size int64, err error) {
	defer resp.Body.Close()
	if resp.ContentLength > f.limits.Compressed {
		return nil, 0, f.limits.TooLarge()
	}
	if file, err = f.temp.File(); err != nil {
		return nil, 0, err
	}
	writers := []io.Writer{file}
	for _, h := range hashes {
		writers = append(writers, h)
	}
	size, err = io.Copy(io.MultiWriter(writers...), io.LimitReader(resp.Body, f.limits.Compressed+1))
	if err == nil && size > f.limits.Compressed {
		err = f.limits.TooLarge()
	} else if err != nil {
		err = unreachable(resp.Request.URL.Host, err)
	}
	if err != nil {
		return nil, 0, errors.Join(err, remove(file))
	}
	return file, size, nil
}

func remove(file *os.File) error { return errors.Join(file.Close(), os.Remove(file.Name())) }

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func newSHA256() hash.Hash { return sha256.New() }
