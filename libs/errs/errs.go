// Package errs holds the few kinds of error that PlugPack tells apart.
//
// An error keeps its kind through any number of fmt.Errorf("…: %w") wraps, so
// a layer adds what it knows and the edge decides: a bus handler's Invalid goes
// to the dead letters, everything else is retried; the REST layer turns a kind
// into a status and hides the text of errors that have none.
package errs

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Kind says what a caller can do about an error.
type Kind int

// The kinds. The zero value is an internal error: a bug or a broken promise of
// a dependency, whose text never reaches a user.
const (
	Internal     Kind = iota
	Invalid           // the input is wrong and will stay wrong: do not retry
	NotFound          // the thing named does not exist
	Conflict          // the thing changed or exists already
	Unauthorized      // nobody is signed in
	Forbidden         // the user may not do this
	TooMany           // a limit was reached; see RetryAfter
	Unavailable       // a dependency is away; the same call may work later
)

var kinds = [...]struct {
	name   string
	status int
}{
	Internal:     {"internal", http.StatusInternalServerError},
	Invalid:      {"invalid", http.StatusUnprocessableEntity},
	NotFound:     {"not found", http.StatusNotFound},
	Conflict:     {"conflict", http.StatusConflict},
	Unauthorized: {"unauthorized", http.StatusUnauthorized},
	Forbidden:    {"forbidden", http.StatusForbidden},
	TooMany:      {"too many", http.StatusTooManyRequests},
	Unavailable:  {"unavailable", http.StatusServiceUnavailable},
}

// String gives the kind's name, as logs show it.
func (k Kind) String() string { return kinds[k].name }

// Status gives the HTTP status that stands for the kind.
func (k Kind) Status() int { return kinds[k].status }

// Error is an error of a known kind whose text may be shown to a user.
type Error struct {
	Kind Kind
	// RetryAfter is how long to wait before the next try; 0 when it is not known.
	RetryAfter time.Duration

	err error
}

// Error gives the whole text.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap gives the formatted error, which knows every %w of its format.
func (e *Error) Unwrap() error { return e.err }

// New makes an error of kind k; format works as in fmt.Errorf, %w included.
func New(k Kind, format string, args ...any) error {
	return &Error{Kind: k, err: fmt.Errorf(format, args...)}
}

// RetryLater is a TooMany or Unavailable error that knows when to try again.
func RetryLater(k Kind, after time.Duration, format string, args ...any) error {
	return &Error{Kind: k, RetryAfter: after, err: fmt.Errorf(format, args...)}
}

// KindOf gives the kind of the outermost Error in err's chain, and Internal
// when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// RetryAfter gives the wait that the outermost Error in err's chain asks for.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// Detail gives the sentence that may be shown to a user: the outermost Error's
// text, without what other layers wrapped around it. That of an internal error
// is not for users.
func Detail(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != Internal {
		return e.Error()
	}
	return "internal error"
}
