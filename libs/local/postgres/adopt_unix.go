//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const pidFile = "postmaster.pid"

// How long a server that outlived its plugpack has for a fast shutdown, and
// then for an immediate one.
const (
	orphanFast      = 10 * time.Second
	orphanImmediate = 5 * time.Second
)

// adopt prepares an existing cluster: nothing uses it, it belongs to the
// server's account, and no lock of an earlier server is left.
func (s *Server) adopt(ctx context.Context) error {
	if err := s.stopOrphan(ctx); err != nil {
		return err
	}
	info, err := os.Stat(s.dir)
	if err != nil {
		return fmt.Errorf("read data folder: %w", err)
	}
	if uid, _ := owner(info); uid != s.runAs.uid {
		if !s.runAs.dropped {
			return fmt.Errorf("data folder %s belongs to another user: run plugpack as that user, or choose another folder", s.dir)
		}
		if err := s.runAs.take(s.dir); err != nil {
			return err
		}
	}
	// A copy or a restored volume often comes with a mode that the server refuses.
	if info.Mode().Perm()&0o027 != 0 {
		if err := os.Chmod(s.dir, 0o700); err != nil {
			return fmt.Errorf("close data folder to others: %w", err)
		}
	}
	// The server would take the file for a running server's if any process had
	// its number by now, even a zombie. We hold the lock and saw that none is.
	if err := os.Remove(filepath.Join(s.dir, pidFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a stale lock: %w", err)
	}
	return nil
}

// stopOrphan waits until no server process has the folder as its working
// directory, which all of them have. A process id in a file proves nothing; the
// folder does. A server dying with its plugpack is only waited for.
func (s *Server) stopOrphan(ctx context.Context) error {
	pids := serversIn(s.dir)
	if len(pids) == 0 {
		return nil
	}
	s.log.Warn("stopping a postgres that outlived its plugpack", "dir", s.dir, "pids", pids)
	for _, step := range []struct {
		sig  syscall.Signal
		wait time.Duration
	}{{syscall.SIGINT, orphanFast}, {syscall.SIGQUIT, orphanImmediate}} {
		for _, pid := range leaders(s.dir, serversIn(s.dir)) {
			_ = syscall.Kill(pid, step.sig)
		}
		if gone, err := s.waitGone(ctx, step.wait); gone || err != nil {
			return err
		}
	}
	return fmt.Errorf("data folder %s is still used by processes %v, which do not end: stop them first (kill)", s.dir, serversIn(s.dir))
}

// leaders narrows pids to the postmaster, which ends the others in good order.
// Without one they have nobody left to serve, so each is told.
func leaders(dir string, pids []int) []int {
	data, _ := os.ReadFile(filepath.Join(dir, pidFile))
	line, _, _ := strings.Cut(string(data), "\n")
	if pid, err := strconv.Atoi(line); err == nil && slices.Contains(pids, pid) {
		return []int{pid}
	}
	return pids
}

func (s *Server) waitGone(ctx context.Context, limit time.Duration) (bool, error) {
	timeout := time.After(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for len(serversIn(s.dir)) > 0 {
		select {
		case <-timeout:
			return false, nil
		case <-ctx.Done():
			return false, fmt.Errorf("wait for the last postgres in %s to end: %w", s.dir, ctx.Err())
		case <-tick.C:
		}
	}
	return true, nil
}
