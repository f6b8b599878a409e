package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrInUse is what Start returns, wrapped, when another plugpack owns the
// cluster. A program that only wants to talk to it can use URL.
var ErrInUse = errors.New("in use by another plugpack")

const (
	superuser = "plugpack"

	// The server opens no port, but its socket is named after one, and both
	// sides take theirs from PGPORT unless told.
	port = "5432"

	// A fast shutdown writes a checkpoint, which takes a while on a slow disk;
	// an immediate one only has to end processes.
	fastStop      = 20 * time.Second
	immediateStop = 5 * time.Second
)

// Options says which cluster to run and how.
type Options struct {
	// Dir is the cluster folder. It is made when it is missing, with its
	// parents; when it exists it must be empty or hold a cluster.
	Dir string
	// Params are settings of the server, which win over the package's own.
	// Tests pass fsync=off; data that matters needs the default.
	Params map[string]string
	// Log hears of starts, stops and unasked ends at Info and above, and of the
	// server's own lines at Debug. Nil is silence.
	Log *slog.Logger
}

// Server is a running cluster. The zero value is useless: call Start.
type Server struct {
	dir      string // absolute, without symbolic links
	socket   string // the socket's folder, once it is ours
	log      *slog.Logger
	runAs    account
	lock     *os.File
	cmd      *exec.Cmd
	output   *output
	fresh    bool
	done     chan struct{}
	stopping atomic.Bool
	stopOnce sync.Once
	stopErr  error
}

// URL gives the address of a database of the server. The database "postgres"
// always exists.
func (s *Server) URL(database string) string { return URL(s.dir, database) }

// Done is closed when the server process has ended, asked or not.
func (s *Server) Done() <-chan struct{} { return s.done }

// Fresh says whether this Start made the cluster.
func (s *Server) Fresh() bool { return s.fresh }

// Stop ends the server and gives the cluster free for the next Start. It lets
// running statements go, waits up to 20 seconds or until ctx ends, and then
// stops without a checkpoint, which costs the next start a recovery but no
// data. Further calls return what the first did.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		s.stopping.Store(true)
		s.stopErr = s.end(ctx)
		s.release()
	})
	return s.stopErr
}

func (s *Server) end(ctx context.Context) error {
	fast, cancel := context.WithTimeout(ctx, fastStop)
	defer cancel()
	if s.signal(fast, syscall.SIGINT) {
		s.log.Info("postgres stopped", "dir", s.dir)
		return nil
	}
	// The caller's context may be over; ending the processes must not depend on it.
	now, cancel := context.WithTimeout(context.WithoutCancel(ctx), immediateStop)
	defer cancel()
	if s.signal(now, syscall.SIGQUIT) {
		s.log.Warn("postgres stopped without a checkpoint; the next start recovers", "dir", s.dir)
		return nil
	}
	_ = s.cmd.Process.Kill()
	<-s.done
	return fmt.Errorf("stop postgres in %s: it ended only when killed; the next start recovers", s.dir)
}

// signal says whether the server ended before ctx did.
func (s *Server) signal(ctx context.Context, sig syscall.Signal) bool {
	_ = s.cmd.Process.Signal(sig) // it may have ended already, which Done tells
	select {
	case <-s.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// release lets go of what other processes can see. The lock goes last: until
// then the socket folder is ours to remove.
func (s *Server) release() {
	if s.socket != "" {
		_ = os.RemoveAll(s.socket)
	}
	_ = s.lock.Close()
}

// URL gives the address of a database of the cluster in dir, running or not. It
// depends on the folder and the user alone, so another process of the same user
// can reach a cluster that it did not start.
func URL(dir, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.User(superuser),
		Path:     "/" + database,
		RawQuery: url.Values{"host": {socketDir(canonical(dir))}, "port": {port}}.Encode(),
	}
	return u.String()
}

// socketDir names the folder of the cluster's socket. It is not below the
// cluster, because a socket's path may have 107 bytes at most, and not below
// TMPDIR, which differs between processes of one user and can be long itself.
func socketDir(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return fmt.Sprintf("/tmp/plugpack-%d-%s", os.Getuid(), hex.EncodeToString(sum[:5]))
}

// canonical makes dir absolute and resolves the symbolic links of the part that
// exists, so that every way to write a folder leads to the same lock and socket.
func canonical(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return filepath.Clean(dir)
	}
	missing := ""
	for at := abs; ; at = filepath.Dir(at) {
		if found, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(found, missing)
		}
		if at == filepath.Dir(at) {
			return abs
		}
		missing = filepath.Join(filepath.Base(at), missing)
	}
}
