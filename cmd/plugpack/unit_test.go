package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/local/nats"
	"github.com/plugpack/plugpack/libs/local/postgres"
	"github.com/plugpack/plugpack/libs/testkit"
)

// roles are servers that this test program can be, so that a test may kill
// them.
var roles = map[string]func(args []string) error{
	"nats": func(args []string) error {
		port, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		if _, err := nats.Start(context.Background(), nats.Options{Dir: args[1], Port: port}); err != nil {
			return err
		}
		select {}
	},
	"meilisearch": func(args []string) error {
		l, err := net.Listen("tcp", "127.0.0.1:"+args[0])
		if err != nil {
			return err
		}
		return testkit.ServeMeilisearch(l, meiliKey, args[1])
	},
}

const (
	meiliKey = "chaos-key"
	roleEnv  = "PLUGPACK_TEST_ROLE"
)

func TestMain(m *testing.M) {
	if role, ok := roles[os.Getenv(roleEnv)]; ok {
		fmt.Fprintln(os.Stderr, role(os.Args[1:]))
		os.Exit(1)
	}
	testkit.Main(m)
}

// unit is a program that is started again whenever it ends, as a platform does.
type unit struct {
	name string
	args []string
	env  []string

	mu      sync.Mutex
	cmd     *exec.Cmd
	stopped bool
	kills   int
	ends    int // that nobody asked for
	killed  bool
	said    []string // the last lines
	over    chan struct{}
}

// run starts the unit and keeps it up until the test ends.
func run(t testing.TB, name string, env []string, program string, args ...string) *unit {
	t.Helper()
	u := &unit{
		name: name, args: append([]string{program}, args...), over: make(chan struct{}),
		env: append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LOG_LEVEL=warn"}, env...),
	}
	go u.keep()
	t.Cleanup(func() {
		u.mu.Lock()
		u.stopped = true
		if u.cmd != nil && u.cmd.Process != nil {
			_ = u.cmd.Process.Kill()
		}
		u.mu.Unlock()
		<-u.over
		if t.Failed() {
			t.Logf("%s said last:\n%s", name, strings.Join(u.said, "\n"))
		}
	})
	return u
}

// runRole is run of one of the roles.
func runRole(t testing.TB, name, role string, args ...string) *unit {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return run(t, name, []string{roleEnv + "=" + role}, self, args...)
}

func (u *unit) keep() {
	defer close(u.over)
	for {
		u.mu.Lock()
		if u.stopped {
			u.mu.Unlock()
			return
		}
		cmd := exec.Command(u.args[0], u.args[1:]...)
		cmd.Env = u.env
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		out, w, err := os.Pipe()
		if err != nil {
			u.mu.Unlock()
			return
		}
		cmd.Stdout, cmd.Stderr = w, w
		u.cmd, u.killed = cmd, false
		err = cmd.Start()
		u.mu.Unlock()
		_ = w.Close()
		if err == nil {
			u.follow(out)
			_ = cmd.Wait()
		}
		_ = out.Close()
		u.mu.Lock()
		if !u.killed && !u.stopped {
			u.ends++
		}
		u.mu.Unlock()
		<-time.After(300 * time.Millisecond) // as a platform waits before it starts a program again
	}
}

func (u *unit) follow(out *os.File) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		u.mu.Lock()
		if u.said = append(u.said, lines.Text()); len(u.said) > 60 {
			u.said = slices.Delete(u.said, 0, 20)
		}
		u.mu.Unlock()
	}
}

// saidOnce says whether one of its last lines has the text.
func (u *unit) saidOnce(text string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.ContainsFunc(u.said, func(line string) bool { return strings.Contains(line, text) })
}

// kill ends the program as a crash does. It is started again at once.
func (u *unit) kill() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cmd != nil && u.cmd.Process != nil {
		u.killed = true
		u.kills++
		_ = u.cmd.Process.Kill()
	}
}

// cluster is a Postgres of the test's own that can be killed.
type cluster struct {
	t    testing.TB
	dir  string
	mu   sync.Mutex
	pg   *postgres.Server
	kill int
}

func startCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: filepath.Join(dataFolder(t), "pg")}
	c.start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		_ = c.pg.Stop(ctx)
	})
	return c
}

func (c *cluster) start() {
	for try := 0; ; try++ {
		pg, err := postgres.Start(context.Background(), postgres.Options{
			Dir: c.dir, Log: testkit.Log(c.t),
			// A kill of the program loses nothing that it has written.
			Params: map[string]string{"fsync": "off", "full_page_writes": "off", "max_connections": "100"},
		})
		if err == nil {
			c.mu.Lock()
			c.pg = pg
			c.mu.Unlock()
			return
		}
		if try == 50 {
			c.t.Errorf("start Postgres: %v", err)
			return
		}
		<-time.After(200 * time.Millisecond) // its processes are still going
	}
}

// crash kills the server's first process, whose others end with it, and starts
// it again.
func (c *cluster) crash() {
	b, err := os.ReadFile(filepath.Join(c.dir, "postmaster.pid"))
	if err != nil {
		c.t.Errorf("Postgres: %v", err)
		return
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 1 {
		c.t.Errorf("Postgres: its number is %q", first)
		return
	}
	c.mu.Lock()
	pg := c.pg
	c.kill++
	c.mu.Unlock()
	_ = syscall.Kill(pid, syscall.SIGKILL)
	<-pg.Done()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = pg.Stop(ctx)
	c.start()
}

// redisProgram finds the real server. Debian's redis-tools has it too: the
// program is the same and goes by its name.
func redisProgram(t testing.TB) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err == nil {
		return program
	}
	tool, err := exec.LookPath("redis-check-rdb")
	if err != nil {
		t.Fatal("no redis-server here: run ./setup.sh test, or install redis-tools or redis-server")
	}
	program = filepath.Join(t.TempDir(), "redis-server")
	if err := os.Symlink(tool, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// fleet is PlugPack as it is deployed, each part a process that can be killed.
type fleet struct {
	t        testing.TB
	units    map[string]*unit
	pg       *cluster
	database string
	natsURL  string
	redisURL string
	meiliURL string
	gateways []string
	catalog  string
	metrics  []string // addresses of the indexers
	bus      *bus.Bus
}

// fleetOptions are what a fleet begins with.
type fleetOptions struct {
	check    time.Duration // between comparisons of the stores
	plugins  int           // of the load test's data
	gateways int
}

// startFleet starts everything, with two indexers.
func startFleet(t testing.TB, o fleetOptions) *fleet {
	t.Helper()
	w := &fleet{t: t, units: map[string]*unit{}, pg: startCluster(t)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := createDatabase(ctx, w.pg.pg.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	w.database = w.pg.pg.URL(databaseName)
	if o.plugins > 0 {
		w.load(o.plugins)
	}
	port := func() string { return strconv.Itoa(freePort(t)) }
	natsPort, redisPort, meiliPort, catalogPort := port(), port(), port(), port()
	w.natsURL, w.redisURL, w.meiliURL = "nats://127.0.0.1:"+natsPort, "redis://127.0.0.1:"+redisPort, "http://127.0.0.1:"+meiliPort
	w.catalog = "http://127.0.0.1:" + catalogPort
	dir := t.TempDir()
	w.units["nats"] = runRole(t, "nats", "nats", natsPort, filepath.Join(dir, "nats"))
	w.units["meilisearch"] = runRole(t, "meilisearch", "meilisearch", meiliPort, filepath.Join(dir, "meilisearch"))
	w.units["redis"] = run(t, "redis", nil, redisProgram(t), "--port", redisPort, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir)

	service := func(name, program string, env ...string) {
		w.units[name] = run(t, name, append(env, "NATS_URL="+w.natsURL, "REDIS_URL="+w.redisURL,
			"MEILISEARCH_URL="+w.meiliURL, "MEILISEARCH_API_KEY="+meiliKey), buildService(t, program))
	}
	service("catalog", "catalog", "PORT="+catalogPort, "DATABASE_URL="+w.database)
	for n := range 2 {
		p := port()
		w.metrics = append(w.metrics, "http://127.0.0.1:"+p)
		service(fmt.Sprintf("indexer %d", n+1), "indexer", "PORT="+p, "CHECK_INTERVAL="+o.check.String(), "LOG_LEVEL=info")
	}
	gh := testkit.GitHub(t, "testdata/flow.txtar")
	service("scraper", "scraper", "PORT=0", "GITHUB_API_URL="+gh.URL, "PLUGPACK_SOURCES="+writeSources(t), "SCAN_INTERVAL=1m")
	for n := range o.gateways {
		p := port()
		w.gateways = append(w.gateways, "http://127.0.0.1:"+p)
		service(fmt.Sprintf("gateway %d", n+1), "gateway", "PORT="+p, "CATALOG_URL="+w.catalog, "RATE_LIMIT=0")
	}
	w.connect()
	return w
}

// load fills the database with the load test's plugins.
func (w *fleet) load(plugins int) {
	w.t.Helper()
	for _, args := range [][]string{{"migrate"}, {"loadtest-data", strconv.Itoa(plugins)}} {
		cmd := exec.CommandContext(w.t.Context(), buildService(w.t, "catalog"), args...)
		cmd.Env = []string{"DATABASE_URL=" + w.database}
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("catalog %v: %v\n%s", args, err, out)
		}
	}
}

// connect waits for NATS.
func (w *fleet) connect() {
	w.t.Helper()
	testkit.Eventually(w.t, "NATS", func(ctx context.Context) bool {
		b, err := bus.Connect(ctx, w.natsURL, "chaos", testkit.Log(w.t))
		if err != nil {
			return false
		}
		w.bus = b
		return true
	})
	w.t.Cleanup(w.bus.Close)
}
