//go:build !unix

package postgres

import (
	"context"
	"errors"
)

var errUnsupported = errors.New("plugpack cannot start PostgreSQL on this system: run a server yourself and set DATABASE_URL to it")

type account struct{}

type output struct{}

// Start always fails here: the launcher needs Unix sockets, signals and locks.
func Start(context.Context, Options) (*Server, error) { return nil, errUnsupported }

// Find always fails here, as Start does.
func Find() (string, error) { return "", errUnsupported }
