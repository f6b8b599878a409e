//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// unfinished marks the folders beside a cluster in which initdb is at work.
const unfinished = ".unfinished-"

// inspect says which major version made the cluster in dir; 0 means that there
// is none yet. Anything between the two is somebody's data, and an error.
func inspect(dir string) (major int, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case errors.Is(err, fs.ErrPermission):
		return 0, fmt.Errorf("%w: the data folder belongs to another user: run plugpack as that user, or choose another folder", err)
	case err != nil:
		return 0, fmt.Errorf("read data folder: %w: choose another folder", err)
	case len(entries) == 0:
		return 0, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "global", "pg_control"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("data folder %s has files in it but no whole cluster: choose another folder, or move its contents away", dir)
	}
	if err != nil {
		return 0, fmt.Errorf("read data folder: %w: run plugpack as the folder's owner, or choose another folder", err)
	}
	major, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("data folder %s was made by PostgreSQL %q, which is too old: move the folder away to begin empty", dir, text)
	}
	return major, nil
}

// create runs initdb beside the cluster's place and moves the result there, so
// that the place only ever holds a whole cluster.
func (s *Server) create(ctx context.Context, bin binaries, sync bool) error {
	parent, base := filepath.Split(s.dir)
	s.sweep(parent, base+unfinished)
	temp, err := os.MkdirTemp(parent, base+unfinished)
	if err != nil {
		return fmt.Errorf("make data folder: %w: choose a folder that this user may write to", err)
	}
	defer os.RemoveAll(temp)
	if err := s.runAs.take(temp); err != nil {
		return err
	}
	if err := s.initdb(ctx, bin, temp, sync); err != nil {
		return err
	}
	// os.Rename refuses an existing folder, and os.Remove one that is not empty.
	if err := os.Remove(s.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace the empty data folder: %w: choose a folder inside it", err)
	}
	if err := os.Rename(temp, s.dir); err != nil {
		return fmt.Errorf("move the new cluster into place: %w", err)
	}
	return syncDir(parent)
}

// sweep removes what killed runs of initdb left. Each run has a folder of its
// own name, so one that is still dying cannot clean up after the wrong run.
func (s *Server) sweep(parent, prefix string) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), prefix) {
			s.log.Warn("removing an unfinished cluster", "dir", filepath.Join(parent, e.Name()))
			_ = os.RemoveAll(filepath.Join(parent, e.Name())) // tried again next time
		}
	}
}

func (s *Server) initdb(ctx context.Context, bin binaries, dir string, sync bool) error {
	args := []string{"-D", dir, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=" + locale()}
	if bin.major >= 17 {
		// The provider that is part of the server sorts alike on every machine.
		args = append(args, "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
	}
	if !sync {
		args = append(args, "--no-sync")
	}
	cmd := command(ctx, s.runAs, filepath.Join(bin.dir, "initdb"), args...)
	cmd.Stdout, cmd.Stderr = s.output, s.output
	ended, err := spawn(cmd)
	if err == nil {
		err = <-ended
	}
	if ctx.Err() != nil {
		return fmt.Errorf("make a cluster in %s: %w", s.dir, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("make a cluster in %s with %s: %w: %s", s.dir, bin.dir, err, s.output.tail())
	}
	return nil
}

// locale is not C, whose lower() and trigrams pass over letters outside ASCII.
func locale() string {
	if runtime.GOOS == "darwin" {
		return "en_US.UTF-8" // macOS has no C.UTF-8
	}
	return "C.UTF-8"
}

// syncDir makes a rename in dir outlive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
