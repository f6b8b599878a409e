//go:build unix

package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestStartAfter(t *testing.T) {
	t.Parallel()
	t.Run("the server was killed", func(t *testing.T) {
		t.Parallel()
		s := withRow(t)
		if err := s.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-s.Done()
		stop(t, s)
		wantRows(t, start(t, s.dir), 1)
	})

	t.Run("plugpack was killed", func(t *testing.T) {
		t.Parallel()
		dir := place(t)
		cmd, out := helper(t, dir)
		serverPID(t, out)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		s := start(t, dir)
		if s.Fresh() {
			t.Error("the cluster is fresh")
		}
		wantRows(t, s, 1)
	})

	t.Run("plugpack and the server were killed", func(t *testing.T) {
		t.Parallel()
		dir := place(t)
		cmd, out := helper(t, dir)
		if err := syscall.Kill(serverPID(t, out), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		wantRows(t, start(t, dir), 1)
	})

	t.Run("the server outlived plugpack", func(t *testing.T) {
		t.Parallel()
		s := withRow(t)
		// What is left of a plugpack killed where the kernel sends no death signal.
		s.stopOnce.Do(func() { s.stopping.Store(true) })
		s.lock.Close()
		next := start(t, s.dir)
		<-s.Done()
		wantRows(t, next, 1)
	})

	t.Run("a stale pid file names a living process", func(t *testing.T) {
		t.Parallel()
		s := withRow(t)
		stop(t, s)
		for _, pid := range []int{os.Getpid(), os.Getppid(), 1} {
			stale := fmt.Sprintf("%d\n%s\n1700000000\n%s\n%s\n\n\nready\n", pid, s.dir, port, socketDir(s.dir))
			if err := os.WriteFile(filepath.Join(s.dir, pidFile), []byte(stale), 0o600); err != nil {
				t.Fatal(err)
			}
			next := start(t, s.dir)
			wantRows(t, next, 1)
			stop(t, next)
		}
	})

	t.Run("the folder was copied by root with an open mode", func(t *testing.T) {
		t.Parallel()
		s := withRow(t)
		stop(t, s)
		if err := os.Chmod(s.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := (account{uid: os.Getuid(), gid: os.Getgid(), dropped: true}).take(s.dir); err != nil {
			t.Fatal(err)
		}
		wantRows(t, start(t, s.dir), 1)
	})
}

// TestStartAfterKilledInitdb kills a plugpack while initdb is at work.
func TestStartAfterKilledInitdb(t *testing.T) {
	t.Parallel()
	dir := place(t)
	bin, begun := slowInitdb(t)
	cmd, _ := helper(t, dir, "PLUGPACK_PG_BIN="+bin)
	if _, err := os.ReadFile(begun); err != nil { // blocks until initdb writes
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if left := names(t, filepath.Dir(dir)); len(left) != 2 || !strings.HasPrefix(left[1], "pg"+unfinished) {
		t.Fatalf("initdb left %q, want a lock and an unfinished cluster", left)
	}

	s := start(t, dir)
	if !s.Fresh() {
		t.Error("the cluster is not fresh")
	}
	if err := addRow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, filepath.Dir(dir), "pg", "pg.lock")
}

// slowInitdb gives a folder of binaries whose initdb begins a cluster, says so
// through a pipe and never ends.
func slowInitdb(t *testing.T) (bin, begun string) {
	t.Helper()
	real, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	bin = filepath.Dir(place(t))
	begun = filepath.Join(filepath.Dir(bin), "begun")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(begun, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(begun, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(real, "postgres"), filepath.Join(bin, "postgres")); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho 15 >\"$2/PG_VERSION\"\necho begun >" + begun + "\nexec sleep 60\n"
	if err := os.WriteFile(filepath.Join(bin, "initdb"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return bin, begun
}

func names(t *testing.T, dir string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		found = append(found, e.Name())
	}
	slices.Sort(found)
	return found
}

func wantOnly(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}
