//go:build unix

package postgres

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestStart(t *testing.T) {
	t.Parallel()
	dir := place(t)
	s := start(t, dir)
	if !s.Fresh() {
		t.Error("a new cluster is not fresh")
	}
	if err := addRow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	stop(t, s)
	select {
	case <-s.Done():
	default:
		t.Error("Done is open after Stop")
	}

	s = start(t, dir)
	if s.Fresh() {
		t.Error("an old cluster is fresh")
	}
	wantRows(t, s, 1)
	wantClosed(t, s)
	wantSettings(t, s)
}

// wantClosed checks that nobody else gets at the data or the socket, and that a
// terminal's signals do not reach the server.
func wantClosed(t *testing.T, s *Server) {
	t.Helper()
	for _, dir := range []string{s.dir, socketDir(s.dir)} {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, want 0700", dir, info.Mode())
		}
		if uid, _ := owner(info); uid == 0 {
			t.Errorf("%s belongs to root", dir)
		}
	}
	pid := s.cmd.Process.Pid
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("process group %d (%v), want its own, %d", group, err, pid)
	}
}

func wantSettings(t *testing.T, s *Server) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	for name, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "listen_addresses": "", "server_encoding": "UTF8", "TimeZone": "UTC",
	} {
		var got string
		if err := db.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	var lower string
	if err := db.QueryRow(t.Context(), `SELECT lower('ÄÉЖ')`).Scan(&lower); err != nil || lower != "äéж" {
		t.Errorf("lower gives %q (%v), want äéж", lower, err)
	}
}

func TestStartWithParams(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Options{Dir: place(t), Params: map[string]string{"fsync": "off", "max_connections": "7"}})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	db, err := pgx.Connect(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	var fsync, connections string
	if err := db.QueryRow(t.Context(), `SELECT current_setting('fsync'), current_setting('max_connections')`).Scan(&fsync, &connections); err != nil {
		t.Fatal(err)
	}
	if fsync != "off" || connections != "7" {
		t.Errorf("fsync %s, max_connections %s, want off and 7", fsync, connections)
	}
}

func TestStartCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := place(t)
	if _, err := Start(ctx, Options{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	wantOnly(t, filepath.Dir(dir), "pg.lock")
}

func TestURL(t *testing.T) {
	t.Parallel()
	s := withRow(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(s.dir, link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{s.dir, s.dir + "/../pg/", link} {
		if got := URL(dir, "postgres"); got != s.URL("postgres") {
			t.Errorf("URL(%s) is %s, want %s", dir, got, s.URL("postgres"))
		}
	}
}
