package github

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Waited gives how long the client's requests waited for GitHub: for answers to
// begin and for their bytes to come, side by side or not.
func (c *Client) Waited() time.Duration { return time.Duration(c.waited.Load()) }

// stopwatch counts the time that a transport and the bodies it gives are waited
// for.
type stopwatch struct {
	http.RoundTripper
	waited *atomic.Int64
}

func (s stopwatch) RoundTrip(req *http.Request) (*http.Response, error) {
	defer s.since(time.Now())
	resp, err := s.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = timedBody{resp.Body, s}
	}
	return resp, err
}

func (s stopwatch) since(start time.Time) { s.waited.Add(int64(time.Since(start))) }

type timedBody struct {
	io.ReadCloser
	s stopwatch
}

func (b timedBody) Read(p []byte) (int, error) {
	defer b.s.since(time.Now())
	return b.ReadCloser.Read(p)
}
