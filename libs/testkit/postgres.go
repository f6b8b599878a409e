package testkit

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/local/postgres"
)

// cluster is the Postgres server of this test program, started by the first
// test that wants a database and stopped by Main.
var cluster struct {
	mu       sync.Mutex
	admin    string // URL of a database that databases are made from
	tuned    map[string]string
	template string
	count    int
	stop     func()
	atEnd    []func()
}

// Main runs a package's tests and stops the servers that they share. A package
// that uses Postgres has
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
func Main(m *testing.M) {
	cluster.mu.Lock()
	cluster.stop = func() {}
	cluster.mu.Unlock()
	code := m.Run()
	cluster.mu.Lock()
	cluster.stop()
	for _, f := range cluster.atEnd {
		f()
	}
	cluster.mu.Unlock()
	os.Exit(code)
}

// Tune has the private server run with settings such as a production server
// has, for a benchmark that asks before anything has started the server.
func Tune(b *testing.B, settings map[string]string) {
	b.Helper()
	cluster.mu.Lock()
	defer cluster.mu.Unlock()
	if cluster.admin == "" {
		cluster.tuned = settings
	}
}

// AtEnd lets f run after the package's last test, for what its tests share.
func AtEnd(f func()) {
	cluster.mu.Lock()
	defer cluster.mu.Unlock()
	cluster.atEnd = append(cluster.atEnd, f)
}

// Postgres gives the URL of a database of the test's own, migrated by migrate.
// It is a copy of one that was migrated once for the whole test program. The
// server is the one at TEST_DATABASE_URL, else a private one.
func Postgres(t testing.TB, migrate func(ctx context.Context, url string) error) string {
	t.Helper()
	admin, template, n := prepare(t, migrate)
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), n)
	execute(t, admin, "CREATE DATABASE "+name+" TEMPLATE "+template)
	t.Cleanup(func() { execute(t, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return withDatabase(admin, name)
}

func prepare(t testing.TB, migrate func(ctx context.Context, url string) error) (admin, template string, n int) {
	t.Helper()
	cluster.mu.Lock()
	defer cluster.mu.Unlock()
	if cluster.stop == nil {
		t.Fatal("this package's TestMain does not call testkit.Main")
	}
	if cluster.admin == "" {
		startCluster(t)
	}
	if cluster.template == "" {
		name := fmt.Sprintf("template_%d", os.Getpid())
		execute(t, cluster.admin, "CREATE DATABASE "+name)
		if err := migrate(context.Background(), withDatabase(cluster.admin, name)); err != nil {
			t.Fatalf("migrate the template database: %v", err)
		}
		cluster.template = name
		stop := cluster.stop
		cluster.stop = func() {
			_ = tryExecute(cluster.admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
			stop()
		}
	}
	cluster.count++
	return cluster.admin, cluster.template, cluster.count
}

func startCluster(t testing.TB) {
	t.Helper()
	if u := os.Getenv("TEST_DATABASE_URL"); u != "" {
		cluster.admin = u
		return
	}
	parent, err := os.MkdirTemp("", "plugpack-test-")
	if err != nil {
		t.Fatal(err)
	}
	// The server may run as another user, who has to get to its folder.
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	params := map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
	maps.Copy(params, cluster.tuned)
	s, err := postgres.Start(context.Background(), postgres.Options{Dir: filepath.Join(parent, "pg"), Log: Log(t), Params: params})
	if err != nil {
		_ = os.RemoveAll(parent)
		t.Fatalf("start Postgres: %v", err)
	}
	cluster.admin = s.URL("postgres")
	cluster.stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = s.Stop(ctx)
		_ = os.RemoveAll(parent)
	}
}

func withDatabase(admin, name string) string {
	u, err := url.Parse(admin)
	if err != nil {
		panic("testkit: bad database URL: " + err.Error())
	}
	u.Path = "/" + name
	return u.String()
}

func execute(t testing.TB, admin, statement string) {
	t.Helper()
	if err := tryExecute(admin, statement); err != nil {
		t.Fatalf("%s: %v", strings.Fields(statement)[0], err)
	}
}

func tryExecute(admin, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
