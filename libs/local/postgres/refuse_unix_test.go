//go:build unix

package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	t.Run("a cluster in use", func(t *testing.T) {
		t.Parallel()
		s := withRow(t)
		err := wantError(t, s.dir, s.dir, "process "+strconv.Itoa(os.Getpid()))
		if !errors.Is(err, ErrInUse) {
			t.Errorf("error %v, want %v", err, ErrInUse)
		}
		wantRows(t, s, 1) // its socket is untouched
	})

	t.Run("a cluster of another version, and deletes nothing", func(t *testing.T) {
		t.Parallel()
		s := withRow(t)
		stop(t, s)
		file := filepath.Join(s.dir, "PG_VERSION")
		real, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, "99\n")
		before := names(t, s.dir)
		wantError(t, s.dir, "made by PostgreSQL 99", "install version 99")
		if after := names(t, s.dir); !slices.Equal(after, before) {
			t.Errorf("the folder holds %q, held %q", after, before)
		}
		writeFile(t, file, string(real))
		wantRows(t, start(t, s.dir), 1)
	})

	t.Run("a folder of something else, and deletes nothing", func(t *testing.T) {
		t.Parallel()
		dir := place(t)
		mkdir(t, dir, 0o755)
		writeFile(t, filepath.Join(dir, "thesis.txt"), "years of work")
		wantError(t, dir, "no whole cluster", "choose another folder")
		wantOnly(t, dir, "thesis.txt")
	})

	t.Run("half a cluster, and deletes nothing", func(t *testing.T) {
		t.Parallel()
		dir := place(t)
		mkdir(t, dir, 0o700)
		writeFile(t, filepath.Join(dir, "PG_VERSION"), "15\n")
		wantError(t, dir, "no whole cluster")
		wantOnly(t, dir, "PG_VERSION")
	})

	t.Run("a parent that the account cannot enter", func(t *testing.T) {
		t.Parallel()
		parent := filepath.Dir(place(t))
		mkdir(t, parent, 0o700)
		if os.Geteuid() == 0 {
			wantError(t, filepath.Join(parent, "deep", "pg"), "cannot enter "+parent, "chmod o+x "+parent)
			wantOnly(t, parent)
			return
		}
		mkdir(t, filepath.Join(parent, "closed"), 0)
		wantError(t, filepath.Join(parent, "closed", "pg"), "permission denied", "choose a folder")
	})

	t.Run("a parent that is a file", func(t *testing.T) {
		t.Parallel()
		parent := filepath.Dir(place(t))
		writeFile(t, parent, "")
		wantError(t, filepath.Join(parent, "pg"), "not a directory", "choose")
	})

	t.Run("a cluster folder that is a file", func(t *testing.T) {
		t.Parallel()
		dir := place(t)
		mkdir(t, filepath.Dir(dir), 0o755)
		writeFile(t, dir, "")
		wantError(t, dir, "not a directory", "choose another folder")
	})

	t.Run("a socket folder of another user", func(t *testing.T) {
		t.Parallel()
		if os.Geteuid() != 0 {
			t.Skip("only root can make one")
		}
		dir := place(t)
		mkdir(t, socketDir(dir), 0o777)
		defer os.Remove(socketDir(dir))
		if err := os.Chown(socketDir(dir), 12345, 12345); err != nil {
			t.Fatal(err)
		}
		wantError(t, dir, "belongs to another user")
		if _, err := os.Stat(socketDir(dir)); err != nil {
			t.Errorf("the other user's folder: %v, want it untouched", err)
		}
	})

	t.Run("no folder", func(t *testing.T) {
		t.Parallel()
		wantError(t, "", "no data folder")
	})
}

func mkdir(t *testing.T, dir string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
