//go:build unix

package postgres

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// claim makes the parents of dir and takes the lock beside it. The kernel drops
// the lock when its owner dies, however that happens.
func claim(dir string, runAs account) (*os.File, error) {
	parent := filepath.Dir(dir)
	if err := runAs.canEnter(parent); err != nil {
		return nil, fmt.Errorf("reach data folder %s: %w", dir, err)
	}
	if err := makeParents(parent, runAs); err != nil {
		return nil, fmt.Errorf("make the parent of data folder %s: %w: choose a folder that this user may write to", dir, err)
	}
	lock, err := os.OpenFile(dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder %s: %w: choose a folder that this user may write to", dir, err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("data folder %s is %w%s: stop that one first, or choose another folder", dir, ErrInUse, holder(lock))
	} else if err != nil {
		err = fmt.Errorf("lock data folder %s: %w: choose a folder on a local disk", dir, err)
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	sign(lock)
	return lock, nil
}

// makeParents differs from os.MkdirAll for root: whatever the umask, the
// account that root drops to must be able to pass.
func makeParents(dir string, runAs account) error {
	_, err := os.Stat(dir)
	if err == nil {
		return nil // a parent that is no folder shows when the lock is opened
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeParents(filepath.Dir(dir), runAs); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if runAs.dropped {
		return os.Chmod(dir, 0o755)
	}
	return nil
}

// sign leaves our process id for the message of whoever is refused.
func sign(lock *os.File) {
	_ = lock.Truncate(0)
	_, _ = fmt.Fprintf(lock, "%d\n", os.Getpid())
}

func holder(lock *os.File) string {
	pid, _ := io.ReadAll(io.LimitReader(lock, 20))
	if len(pid) == 0 {
		return ""
	}
	return fmt.Sprintf(" (process %s)", strings.TrimSpace(string(pid)))
}

// makeSocketDir makes the folder that keeps other users from the socket. Anyone
// may write to /tmp, so one that someone else made in its place is not used.
func makeSocketDir(dir string, runAs account) error {
	if info, err := os.Lstat(dir); err == nil {
		if uid, _ := owner(info); uid != runAs.uid && uid != os.Geteuid() {
			return fmt.Errorf("socket folder %s belongs to another user: remove it", dir)
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("empty socket folder: %w", err)
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make socket folder: %w", err)
	}
	return runAs.take(dir)
}
