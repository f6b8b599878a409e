package service

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestProbe(t *testing.T) {
	var away error
	p := New("test", io.Discard)
	p.Ready("postgres", func(context.Context) error { return away })
	server := httptest.NewServer(p.withHealth(nil))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PORT", u.Port())

	if err := probe(t.Context(), p); err != nil {
		t.Errorf("a ready service: %v", err)
	}
	away = errors.New("connection refused")
	if err := probe(t.Context(), p); err == nil || !strings.Contains(err.Error(), "postgres") {
		t.Errorf("a service without its database: %v, want an error that names postgres", err)
	}
	server.Close()
	if err := probe(t.Context(), p); err == nil || !strings.Contains(err.Error(), "port "+u.Port()) {
		t.Errorf("no service: %v, want an error that names the port", err)
	}
	t.Setenv("PORT", "many")
	if err := probe(t.Context(), p); err == nil || !strings.Contains(err.Error(), "PORT") {
		t.Errorf("a bad port: %v, want an error that names PORT", err)
	}
}
