package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/local/nats"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/migrations"
)

// process is a program of ours, running.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	addr   string
	mu     sync.Mutex
	output bytes.Buffer
	read   sync.WaitGroup
	done   chan struct{}
	err    error
}

// spawn starts the program and waits until it printed what ready matches, whose
// first group is its address.
func spawn(t *testing.T, ready *regexp.Regexp, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LOG_LEVEL=info"}, env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	address := make(chan string, 1)
	p.read.Go(func() { p.follow(out, ready, address) })
	go func() {
		p.err = p.cmd.Wait()
		p.read.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), p.said())
		}
	})
	select {
	case p.addr = <-address:
	case <-p.done:
		t.Fatalf("%s ended before it was ready: %v\n%s", program, p.err, p.said())
	case <-time.After(time.Minute):
		t.Fatalf("%s was not ready in a minute\n%s", program, p.said())
	}
	return p
}

func (p *process) follow(out io.ReadCloser, ready *regexp.Regexp, address chan<- string) {
	defer out.Close()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.output.Write(append(lines.Bytes(), '\n'))
		p.mu.Unlock()
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case address <- m[1]:
			default:
			}
		}
	}
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// kill ends the process as a crash does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// interrupt ends the process as Ctrl-C does and wants it to end well.
func (p *process) interrupt() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		p.t.Fatalf("did not stop in a minute:\n%s", p.said())
	}
	if p.err != nil {
		p.t.Fatalf("stopped with %v:\n%s", p.err, p.said())
	}
}

var (
	listening = regexp.MustCompile(`"listening".*"addr":"\[::\]:(\d+)"`)
	upReady   = regexp.MustCompile(`is on (http://\S+)`)
)

// binaries holds the built programs by name.
var binaries = struct {
	sync.Mutex
	dir   string
	built map[string]string
}{built: map[string]string{}}

// build builds a program of the workspace once for the whole test run.
func build(t testing.TB, name, pkg string) string {
	t.Helper()
	binaries.Lock()
	defer binaries.Unlock()
	if path, ok := binaries.built[name]; ok {
		return path
	}
	if binaries.dir == "" {
		dir, err := os.MkdirTemp("", "plugpack-bin-")
		if err != nil {
			t.Fatal(err)
		}
		binaries.dir = dir
		testkit.AtEnd(func() { _ = os.RemoveAll(dir) })
	}
	path := filepath.Join(binaries.dir, name)
	if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	binaries.built[name] = path
	return path
}

func buildService(t testing.TB, name string) string {
	return build(t, name, "github.com/plugpack/plugpack/services/"+name+"/cmd/"+name)
}

func buildPlugpack(t *testing.T) string {
	return build(t, "plugpack", "github.com/plugpack/plugpack/cmd/plugpack")
}

// startRedis starts a real Redis server on a free port.
func startRedis(t *testing.T) (url string) {
	t.Helper()
	program := redisProgram(t)
	port := freePort(t)
	cmd := exec.Command(program, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatalf("start Redis: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	url = fmt.Sprintf("redis://127.0.0.1:%d", port)
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	testkit.Eventually(t, "Redis to answer", func(ctx context.Context) bool { return client.Ping(ctx).Err() == nil })
	return url
}

// onLoopback gives a database that listens on a Unix socket a TCP port too.
func onLoopback(t *testing.T, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	folder := q.Get("host")
	if folder == "" {
		return databaseURL // TEST_DATABASE_URL names a server on TCP
	}
	socket := filepath.Join(folder, ".s.PGSQL."+cmp.Or(q.Get("port"), "5432"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			outside, err := l.Accept()
			if err != nil {
				return
			}
			inside, err := net.Dial("unix", socket)
			if err != nil {
				_ = outside.Close()
				continue
			}
			pipe := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				_, _ = to.Close(), from.Close()
			}
			go pipe(inside, outside)
			go pipe(outside, inside)
		}
	}()
	u.Host, u.RawQuery = l.Addr().String(), "sslmode=disable"
	return u.String()
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// startOneProcess starts plugpack up on a data folder.
func startOneProcess(t *testing.T, data string, gh *testkit.GitHubServer, sources string, extra ...string) *process {
	t.Helper()
	return spawn(t, upReady, append([]string{
		"PORT=0", "PLUGPACK_DATA=" + data, "GITHUB_API_URL=" + gh.URL, "PLUGPACK_SOURCES=" + sources, "RATE_LIMIT=1000000",
	}, extra...), buildPlugpack(t), "up")
}

// busOf connects to the built-in NATS server of a running plugpack, as
// plugpack scan does.
func busOf(t *testing.T, data string) *bus.Bus {
	t.Helper()
	nc, err := nats.Dial(socketPath(data), bus.Options(t.Name(), testkit.Log(t))...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bus.New(t.Context(), nc, testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func TestFlowInOneProcess(t *testing.T) {
	t.Parallel()
	data, gh := dataFolder(t), testkit.GitHub(t, "testdata/flow.txtar")
	p := startOneProcess(t, data, gh, writeSources(t))
	w := &world{t: t, github: gh, bus: busOf(t, data), clients: []*api.Client{api.NewClient(p.addr)}}
	flow(w)

	t.Log("a person confirms the empty listing")
	confirm := exec.Command(buildPlugpack(t), "confirm-scan", flowRepo)
	confirm.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PLUGPACK_DATA=" + data}
	if out, err := confirm.CombinedOutput(); err != nil || !strings.Contains(string(out), "5 plugins of github.com/acme/tools are removed") {
		t.Fatalf("confirm-scan: %v\n%s", err, out)
	}
	testkit.Eventually(t, "all pages to be gone", func(ctx context.Context) bool {
		_, _, err := w.client().Plugin(ctx, "acme-tools-docs")
		return errs.KindOf(err) == errs.NotFound
	})
	p.interrupt()
}

// The four services as they are deployed, on real servers over loopback.
func TestFlowInFourProcesses(t *testing.T) {
	t.Parallel()
	for _, each := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d of each", each), func(t *testing.T) {
			t.Parallel()
			gh := testkit.GitHub(t, "testdata/flow.txtar")
			ns := testkit.NATS(t)
			redisURL, databaseURL, sources := startRedis(t), onLoopback(t, testkit.Postgres(t, migrations.Up)), writeSources(t)
			common := []string{"PORT=0", "NATS_URL=" + ns.URL(), "REDIS_URL=" + redisURL}
			start := func(name string, env ...string) *process {
				return spawn(t, listening, append(env, common...), buildService(t, name))
			}
			w := &world{t: t, github: gh, bus: testkit.BusOn(t, ns)}
			var all []*process
			for range each {
				c := start("catalog", "DATABASE_URL="+databaseURL)
				all = append(all, c,
					start("scraper", "GITHUB_API_URL="+gh.URL, "PLUGPACK_SOURCES="+sources),
					start("indexer"))
				g := start("gateway", "CATALOG_URL=http://127.0.0.1:"+c.addr, "RATE_LIMIT=1000000")
				all = append(all, g)
				w.clients = append(w.clients, api.NewClient("http://127.0.0.1:"+g.addr))
			}
			for _, p := range all {
				ready(t, p)
			}
			flow(w)
			for i := len(all) - 1; i >= 0; i-- {
				all[i].interrupt()
			}
		})
	}
}

// ready wants /readyz to say that every dependency is there.
func ready(t *testing.T, p *process) {
	t.Helper()
	testkit.Eventually(t, "readiness", func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+p.addr+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// What can be wrong at a start is said in one line that names what to do.
func TestBadStarts(t *testing.T) {
	t.Parallel()
	program := buildPlugpack(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	file := filepath.Join(dataFolder(t), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"a taken port":          {[]string{"PORT=" + strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)}, "is taken: set PORT to a free one"},
		"a port that is none":   {[]string{"PORT=eighty"}, "PORT: want a port"},
		"a bad data folder":     {[]string{"PORT=0", "PLUGPACK_DATA=" + file}, "PLUGPACK_DATA: want a folder that this user may write"},
		"a bad database":        {[]string{"PORT=0", "DATABASE_URL=nonsense"}, "DATABASE_URL: want an address"},
		"a bad interval":        {[]string{"PORT=0", "SCAN_INTERVAL=often"}, "SCAN_INTERVAL: want a duration"},
		"a missing source file": {[]string{"PORT=0", "PLUGPACK_SOURCES=/nowhere/sources.txt"}, "PLUGPACK_SOURCES"},
		"GitHub in clear":       {[]string{"PORT=0", "APP_ENV=production", "GITHUB_API_URL=http://github.example/"}, "GITHUB_API_URL: want an https address"},
		"a key that is missing": {[]string{"PORT=0", "MEILISEARCH_URL=http://127.0.0.1:7700"}, "MEILISEARCH_API_KEY is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, program, "up")
			cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PLUGPACK_DATA=" + dataFolder(t)}, c.env...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Run(); err == nil {
				t.Fatal("it started")
			}
			text := strings.TrimSpace(stderr.String())
			if !strings.Contains(text, c.want) || strings.Contains(text, "\n") {
				t.Fatalf("said %q, want one line with %q", text, c.want)
			}
		})
	}
}

// Without GitHub there is one line about it and the built-in sample to search.
func TestSampleWithoutGitHub(t *testing.T) {
	t.Parallel()
	p := spawn(t, upReady, []string{
		"PORT=0", "PLUGPACK_DATA=" + dataFolder(t), "GITHUB_API_URL=" + fmt.Sprintf("http://127.0.0.1:%d/", freePort(t)), "LOG_LEVEL=warn",
	}, buildPlugpack(t), "up")
	w := &world{t: t, clients: []*api.Client{api.NewClient(p.addr)}}
	testkit.Eventually(t, "the sample is found", func(ctx context.Context) bool {
		found := w.found(ctx, "commit messages")
		return len(found) > 0 && found[0] == "commit-messages"
	})
	if n := strings.Count(p.said(), "GitHub cannot be reached"); n != 1 {
		t.Fatalf("said %d times that GitHub cannot be reached:\n%s", n, p.said())
	}
	p.interrupt()
}

// A crash at any moment, here as soon as the first plugin is there, ends in the
// same catalog once the program runs again; and a clean stop keeps it too.
func TestKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	data, gh, sources := dataFolder(t), testkit.GitHub(t, "testdata/flow.txtar"), writeSources(t)
	all := func(ctx context.Context, w *world) bool {
		_, total, err := w.client().Plugins(ctx, nil)
		return err == nil && total == 6
	}
	p := startOneProcess(t, data, gh, sources)
	w := &world{t: t, clients: []*api.Client{api.NewClient(p.addr)}}
	testkit.Eventually(t, "the first plugin", func(ctx context.Context) bool {
		_, total, err := w.client().Plugins(ctx, nil)
		return err == nil && total > 0
	})
	p.kill()

	p = startOneProcess(t, data, gh, sources)
	w = &world{t: t, clients: []*api.Client{api.NewClient(p.addr)}}
	testkit.Eventually(t, "all plugins after the crash", func(ctx context.Context) bool { return all(ctx, w) })
	after := contents(w)
	p.interrupt()

	undisturbed := startOneProcess(t, dataFolder(t), gh, sources)
	fresh := &world{t: t, clients: []*api.Client{api.NewClient(undisturbed.addr)}}
	testkit.Eventually(t, "all plugins without a crash", func(ctx context.Context) bool { return all(ctx, fresh) })
	if diff := gocmp.Diff(contents(fresh), after); diff != "" {
		t.Errorf("the catalog after a crash differs from an undisturbed one:\n%s", diff)
	}
	undisturbed.interrupt()

	gh.Delete(flowRepo, http.StatusNotFound)
	p = startOneProcess(t, data, gh, sources)
	w = &world{t: t, clients: []*api.Client{api.NewClient(p.addr)}}
	if !all(t.Context(), w) {
		t.Fatal("the plugins are not there after a clean stop and start")
	}
	w.waitFound("kubernetes", "deploy")
	p.interrupt()
}

// contents gives every plugin's page by slug, without what names an occasion
// rather than a state.
func contents(w *world) map[string]api.PluginPage {
	w.t.Helper()
	plugins, _, err := w.client().Plugins(w.t.Context(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	pages := map[string]api.PluginPage{}
	for _, p := range plugins {
		page, _, err := w.client().Plugin(w.t.Context(), p.Slug)
		if err != nil {
			w.t.Fatal(err)
		}
		page.ID, page.Marketplace.ID, page.Revision, page.FirstSeen, page.UpdatedAt = "", "", 0, time.Time{}, time.Time{}
		pages[p.Slug] = page
	}
	return pages
}

// plugpack scan works through a running plugpack and, where none runs, alone.
func TestScanCommand(t *testing.T) {
	t.Parallel()
	data, gh := dataFolder(t), testkit.GitHub(t, "testdata/flow.txtar")
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PLUGPACK_DATA=" + data, "GITHUB_API_URL=" + gh.URL,
		"PLUGPACK_SOURCES=" + os.DevNull,
	}
	scan := func(args ...string) (string, error) {
		cmd := exec.Command(buildPlugpack(t), append([]string{"scan"}, args...)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := scan(flowRepo)
	if err != nil || !strings.Contains(out, "github.com/acme/tools: 6 entries, 6 new or changed") {
		t.Fatalf("alone: %v\n%s", err, out)
	}
	p := spawn(t, upReady, append([]string{"PORT=0"}, env...), buildPlugpack(t), "up")
	if out, err = scan("https://github.com/" + flowRepo); err != nil || !strings.Contains(out, "unchanged, 6 entries") {
		t.Fatalf("through a running plugpack: %v\n%s", err, out)
	}
	if out, err = scan(flowRepo, "acme/nothing"); err == nil || !strings.Contains(out, "github.com/acme/nothing: failed: ") {
		t.Fatalf("of a repository that is not there: %v\n%s", err, out)
	}
	second := exec.Command(buildPlugpack(t), "up")
	second.Env = append([]string{"PORT=0"}, env...)
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "PLUGPACK_DATA: data folder "+data) {
		t.Fatalf("a second one on the same data: %v\n%s", err, out)
	}
	if out, err = scan("not a source"); err == nil || !strings.Contains(out, "want owner/repo") {
		t.Fatalf("of nonsense: %v\n%s", err, out)
	}
	w := &world{t: t, clients: []*api.Client{api.NewClient(p.addr)}}
	w.waitFound("kubernetes", "deploy")
	p.interrupt()
}
