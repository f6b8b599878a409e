// Package proxy hands requests on to the catalog in another process.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/gateway/internal/outage"
	"github.com/plugpack/plugpack/services/gateway/internal/request"
)

// Proxy is the catalog, as a handler.
type Proxy struct {
	target *url.URL
	client *http.Client
	httputil.ReverseProxy
}

// New makes a proxy to the catalog at address, such as "http://catalog:8000".
func New(address string, log *slog.Logger) (*Proxy, error) {
	target, err := url.Parse(address)
	if err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Host == "" {
		return nil, errs.New(errs.Invalid, "CATALOG_URL: want an address such as http://catalog:8000")
	}
	transport := newTransport()
	away := outage.New("catalog", "only cached pages are answered", log)
	p := &Proxy{target: target, client: &http.Client{Transport: transport}}
	p.ReverseProxy = httputil.ReverseProxy{
		Rewrite:    p.rewrite,
		Transport:  again{transport},
		BufferPool: &buffers{sync.Pool{New: func() any { return new([32 << 10]byte) }}},
		ErrorLog:   slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ModifyResponse: func(res *http.Response) error {
			away.Report(res.Request.Context(), nil)
			res.Header.Del("Server")
			res.Header.Del(request.HeaderID) // it is in the answer already
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { fail(w, r, err, away) },
	}
	return p, nil
}

// Ping says whether the catalog answers.
func (p *Proxy) Ping(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.target.JoinPath("livez").String(), nil)
	if err != nil {
		return fmt.Errorf("ping catalog: %w", err)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return errs.New(errs.Unavailable, "ping catalog: %w", err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errs.New(errs.Unavailable, "ping catalog: status %d", res.StatusCode)
	}
	return nil
}

// rewrite aims the request at the catalog. The package takes X-Forwarded
// headers off by itself; ours were found out by the gateway, so they go on.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	r.SetURL(p.target)
	r.Out.URL.RawQuery = r.In.URL.RawQuery // as the client wrote it; the catalog judges it
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if v := r.In.Header.Values(name); len(v) > 0 {
			r.Out.Header[name] = v
		}
	}
}

// newTransport is tuned for one host: the standard one keeps two idle
// connections and opens and closes the rest, at half the throughput.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   512,
		IdleConnTimeout:       90 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		// The gateway compresses itself, and what it tags are the plain bytes.
		DisableCompression: true,
	}
}

// again tries a read once more when the connection was refused, as it is for a
// moment while the catalog restarts. Nothing was sent then.
type again struct{ next http.RoundTripper }

// RoundTrip makes the request.
func (a again) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := a.next.RoundTrip(r)
	read := (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Body == nil
	if err == nil || !read || !errors.Is(err, syscall.ECONNREFUSED) {
		return res, err
	}
	select {
	case <-r.Context().Done():
		return nil, err
	case <-time.After(100 * time.Millisecond):
	}
	return a.next.RoundTrip(r)
}

// fail answers when the catalog did not. The error names addresses, so it goes
// to the log only.
func fail(w http.ResponseWriter, r *http.Request, err error, away *outage.Log) {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		request.TooLarge(w, tooLarge.Limit)
		return
	}
	if !errors.Is(err, context.Canceled) { // a client that left says nothing about the catalog
		away.Report(r.Context(), err)
	}
	api.WriteProblem(w, errs.RetryLater(errs.Unavailable, 5*time.Second, "the catalog is away: try again in a moment"))
}

// buffers lends the proxy memory for copying bodies.
type buffers struct{ pool sync.Pool }

// Get lends a buffer.
func (b *buffers) Get() []byte { return b.pool.Get().(*[32 << 10]byte)[:] }

// Put takes it back.
func (b *buffers) Put(s []byte) { b.pool.Put((*[32 << 10]byte)(s)) }
