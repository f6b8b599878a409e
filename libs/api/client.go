package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
)

// Client calls the public API.
type Client struct {
	base string
	http *http.Client
}

// NewClient makes a client of the API at base, such as "http://127.0.0.1:8000".
// It does not follow redirects: see Client.Plugin.
func NewClient(base string) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), http: &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Plugins lists plugins; q takes the parameters of GET /api/plugins/. total
// counts all that match.
func (c *Client) Plugins(ctx context.Context, q url.Values) (plugins []Plugin, total int, err error) {
	h, err := c.get(ctx, "/api/plugins/?"+q.Encode(), &plugins)
	if err != nil {
		return nil, 0, err
	}
	total, _ = strconv.Atoi(h.Get("X-Total-Count"))
	return plugins, total, nil
}

// Plugin gives the plugin with the slug. movedTo is the slug to ask instead
// when the plugin was renamed.
func (c *Client) Plugin(ctx context.Context, slug string) (p PluginPage, movedTo string, err error) {
	h, err := c.get(ctx, "/api/plugins/slug/"+url.PathEscape(slug), &p)
	if err != nil {
		return PluginPage{}, "", err
	}
	if to := h.Get("Location"); to != "" {
		return PluginPage{}, to[strings.LastIndex(to, "/")+1:], nil
	}
	return p, "", nil
}

// Packs lists published packs; q takes the parameters of GET /api/packs/.
func (c *Client) Packs(ctx context.Context, q url.Values) (packs []Pack, err error) {
	_, err = c.get(ctx, "/api/packs/?"+q.Encode(), &packs)
	return packs, err
}

// Pack gets the published pack with the slug.
func (c *Client) Pack(ctx context.Context, slug string) (p PackPage, err error) {
	_, err = c.get(ctx, "/api/packs/slug/"+url.PathEscape(slug), &p)
	return p, err
}

// Report gives the report of the plugin with the id.
func (c *Client) Report(ctx context.Context, id string) (r Report, err error) {
	_, err = c.get(ctx, "/api/plugins/"+url.PathEscape(id)+"/report", &r)
	return r, err
}

// Components lists the components of the plugin with the id.
func (c *Client) Components(ctx context.Context, id string) (list []ComponentFile, err error) {
	_, err = c.get(ctx, "/api/plugins/"+url.PathEscape(id)+"/components", &list)
	return list, err
}

// Marketplaces lists marketplaces; q takes the parameters of
// GET /api/marketplaces/.
func (c *Client) Marketplaces(ctx context.Context, q url.Values) (ms []Marketplace, err error) {
	_, err = c.get(ctx, "/api/marketplaces/?"+q.Encode(), &ms)
	return ms, err
}

// Discoveries tells how complete the last searches for marketplaces were.
func (c *Client) Discoveries(ctx context.Context) (ds []Discovery, err error) {
	_, err = c.get(ctx, "/api/marketplaces/completeness", &ds)
	return ds, err
}

// Search searches; q takes the parameters of GET /api/search/.
func (c *Client) Search(ctx context.Context, q url.Values) (s Search, err error) {
	_, err = c.get(ctx, "/api/search/?"+q.Encode(), &s)
	return s, err
}

// get fills into from a JSON answer. An error has the kind that the answer's
// status stands for.
func (c *Client) get(ctx context.Context, path string, into any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", path, err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "get %s: %w", path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return nil, errs.New(errs.Unavailable, "get %s: %w", path, err)
	}
	switch {
	case res.StatusCode >= 400:
		return nil, problemError(res, body)
	case res.StatusCode >= 300:
		return res.Header, nil
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(into); err != nil {
		return nil, fmt.Errorf("get %s: decode: %w", path, err)
	}
	return res.Header, nil
}

func problemError(res *http.Response, body []byte) error {
	var p Problem
	_ = json.Unmarshal(body, &p)
	p.Detail = cmp.Or(p.Detail, http.StatusText(res.StatusCode))
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
	status := res.StatusCode
	switch status {
	case http.StatusBadRequest:
		status = errs.Invalid.Status()
	case http.StatusBadGateway, http.StatusGatewayTimeout: // of a proxy on the way
		status = errs.Unavailable.Status()
	}
	for k := errs.Internal; k <= errs.Unavailable; k++ {
		if k.Status() == status {
			return errs.RetryLater(k, time.Duration(seconds)*time.Second, "%s", p.Detail)
		}
	}
	return errs.New(errs.Internal, "status %d: %s", res.StatusCode, p.Detail)
}
