package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plugpack/plugpack/libs/errs"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want errs.Kind
	}{
		{&pgconn.PgError{Code: "22021"}, errs.Invalid},     // a NUL in a text
		{&pgconn.PgError{Code: "23514"}, errs.Invalid},     // a check of the schema
		{&pgconn.PgError{Code: "23505"}, errs.Internal},    // a key that is there: read again
		{&pgconn.PgError{Code: "40P01"}, errs.Unavailable}, // a deadlock
		{&pgconn.PgError{Code: "57P01"}, errs.Unavailable}, // a server that stops
		{&pgconn.PgError{Code: "42P01"}, errs.Internal},    // a table that is missing
		{&net.OpError{Op: "read", Err: syscall.ETIMEDOUT}, errs.Unavailable},
		{&net.OpError{Op: "read", Err: syscall.EHOSTUNREACH}, errs.Unavailable},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, errs.Unavailable},
		{net.ErrClosed, errs.Unavailable},
		{io.ErrUnexpectedEOF, errs.Unavailable},
		{io.EOF, errs.Unavailable},
		{pgconn.ErrConnClosed, errs.Unavailable},
		{context.DeadlineExceeded, errs.Unavailable},
		{context.Canceled, errs.Unavailable}, // of a client that left
		{errs.New(errs.NotFound, "nothing"), errs.NotFound},
		{errors.New("a bug"), errs.Internal},
	} {
		if got := errs.KindOf(classify("do", fmt.Errorf("wrapped: %w", c.err))); got != c.want {
			t.Errorf("%v is %s, want %s", c.err, got, c.want)
		}
	}
}
