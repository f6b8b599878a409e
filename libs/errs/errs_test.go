package errs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	for kind, want := range map[errs.Kind]struct {
		name   string
		status int
	}{
		errs.Internal:     {"internal", http.StatusInternalServerError},
		errs.Invalid:      {"invalid", http.StatusUnprocessableEntity},
		errs.NotFound:     {"not found", http.StatusNotFound},
		errs.Conflict:     {"conflict", http.StatusConflict},
		errs.Unauthorized: {"unauthorized", http.StatusUnauthorized},
		errs.Forbidden:    {"forbidden", http.StatusForbidden},
		errs.TooMany:      {"too many", http.StatusTooManyRequests},
		errs.Unavailable:  {"unavailable", http.StatusServiceUnavailable},
	} {
		if kind.String() != want.name || kind.Status() != want.status {
			t.Errorf("kind %d is %q, %d; want %q, %d", kind, kind, kind.Status(), want.name, want.status)
		}
	}
}

func TestErrorsThroughWraps(t *testing.T) {
	t.Parallel()
	notFound := errs.New(errs.NotFound, "no plugin %q", "x")
	limited := errs.RetryLater(errs.TooMany, time.Minute, "slow down")
	for _, c := range []struct {
		name   string
		err    error
		kind   errs.Kind
		after  time.Duration
		detail string
	}{
		{"nil is internal", nil, errs.Internal, 0, "internal error"},
		{"a foreign error is internal and hidden", io.EOF, errs.Internal, 0, "internal error"},
		{"an error of a kind", notFound, errs.NotFound, 0, `no plugin "x"`},
		{"wraps keep the kind and stay out of the detail", fmt.Errorf("a: %w", fmt.Errorf("b: %w", notFound)), errs.NotFound, 0, `no plugin "x"`},
		{"a joined error keeps the kind", errors.Join(io.EOF, notFound), errs.NotFound, 0, `no plugin "x"`},
		{"the outermost kind counts", errs.New(errs.Unavailable, "later: %w", notFound), errs.Unavailable, 0, `later: no plugin "x"`},
		{"the wait goes through wraps", fmt.Errorf("a: %w", limited), errs.TooMany, time.Minute, "slow down"},
		{"an outer kind hides the inner wait", errs.New(errs.Invalid, "no: %w", limited), errs.Invalid, 0, "no: slow down"},
		{"the text of the internal kind is hidden", errs.New(errs.Internal, "password is x"), errs.Internal, 0, "internal error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := errs.KindOf(c.err); got != c.kind {
				t.Errorf("kind %v, want %v", got, c.kind)
			}
			if got := errs.RetryAfter(c.err); got != c.after {
				t.Errorf("retry after %v, want %v", got, c.after)
			}
			if got := errs.Detail(c.err); got != c.detail {
				t.Errorf("detail %q, want %q", got, c.detail)
			}
		})
	}
}

func TestCausesAreFound(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("outside: %w", errs.New(errs.Unavailable, "%w and %w", io.EOF, context.Canceled))
	if !errors.Is(err, io.EOF) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not show both causes", err)
	}
	if got, want := err.Error(), "outside: EOF and context canceled"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}
