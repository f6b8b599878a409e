//go:build unix

package postgres

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// helperDir tells a copy of the test binary to be a plugpack with a cluster there.
const helperDir = "PLUGPACK_TEST_CLUSTER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		be(dir)
	}
	os.Exit(m.Run())
}

// be runs a cluster with one row in it until it is killed, or its parent ends.
func be(dir string) {
	ctx := context.Background()
	s, err := Start(ctx, Options{Dir: dir})
	if err == nil {
		err = addRow(ctx, s)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.cmd.Process.Pid)
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = s.Stop(ctx)
	os.Exit(0)
}

// helper starts such a plugpack, with more environment if given.
func helper(t *testing.T, dir string, env ...string) (cmd *exec.Cmd, out *bufio.Reader) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), helperDir+"="+dir), env...)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, bufio.NewReader(stdout)
}

// serverPID waits until a helper's cluster is up and holds its row.
func serverPID(t *testing.T, out *bufio.Reader) int {
	t.Helper()
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the helper says %q", line)
	}
	return pid
}

// place gives a path for a cluster that the database account can reach.
func place(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	// The testing package makes the parent 0700.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "data", "pg")
}

// start runs a cluster until the end of the test. Durability stays on: it is
// part of what is tested.
func start(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(socketDir(s.dir)); !os.IsNotExist(err) {
		t.Errorf("socket folder after Stop: %v, want none", err)
	}
}

func addRow(ctx context.Context, s *Server) error {
	db, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	_, err = db.Exec(ctx, `CREATE TABLE IF NOT EXISTS kept (n int); INSERT INTO kept VALUES (1)`)
	return err
}

func wantRows(t *testing.T, s *Server, want int) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	var got int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM kept`).Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%d rows, want %d", got, want)
	}
}

// withRow starts a cluster in a new place and puts a row into it.
func withRow(t *testing.T) *Server {
	t.Helper()
	s := start(t, place(t))
	if err := addRow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// wantError checks that Start refuses with a line that contains every part.
func wantError(t *testing.T, dir string, parts ...string) error {
	t.Helper()
	s, err := Start(t.Context(), Options{Dir: dir})
	if err == nil {
		_ = s.Stop(context.Background())
		t.Fatal("Start succeeded, want an error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q, want %q in it", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q has several lines", err)
	}
	return err
}
