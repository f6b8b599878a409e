package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
)

// patience bounds every wait, for a test that would hang.
const patience = 30 * time.Second

// TestMain lets the test binary be the service that TestMain… starts.
func TestMain(m *testing.M) {
	if run, ok := programs[os.Getenv("SERVICE_TEST_PROGRAM")]; ok {
		Main("tester", run)
		return
	}
	os.Exit(m.Run())
}

var programs = map[string]func(context.Context, *Process) error{
	"fails": func(context.Context, *Process) error {
		return fmt.Errorf("open postgres: %w", errors.Join(errors.New("no\nroute"), io.EOF))
	},
	"config": func(_ context.Context, p *Process) error {
		var cfg struct {
			Config
			Token config.Secret `env:"TOKEN"`
		}
		if err := p.LoadConfig(&cfg); err != nil {
			return err
		}
		p.Log.Debug("seen")
		return nil
	},
	"waits": func(ctx context.Context, p *Process) error {
		return p.Serve(ctx, 0, nil)
	},
	"canceled": func(ctx context.Context, p *Process) error {
		p.Log.Info("listening")
		<-ctx.Done()
		return fmt.Errorf("take: %w", ctx.Err())
	},
	"hangs": func(ctx context.Context, p *Process) error {
		p.Log.Info("listening")
		<-ctx.Done()
		p.Log.Info("stopping")
		select {}
	},
}

// program makes the command that runs one of the programs.
func program(t *testing.T, name string, env ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, exe)
	cmd.Env = append([]string{"SERVICE_TEST_PROGRAM=" + name}, env...)
	stderr = &bytes.Buffer{}
	cmd.Stderr = stderr
	return cmd, stderr
}

// lines starts cmd and gives a function that waits for a log line.
func lines(t *testing.T, cmd *exec.Cmd) (await func(msg string)) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(out)
	return func(msg string) {
		t.Helper()
		for {
			var line struct{ Msg string }
			if err := d.Decode(&line); err != nil {
				t.Fatalf("waited in vain for %q: %v", msg, err)
			}
			if line.Msg == msg {
				return
			}
		}
	}
}

func TestMainProgram(t *testing.T) {
	t.Parallel()
	t.Run("a failure is one line and status 1", func(t *testing.T) {
		t.Parallel()
		cmd, stderr := program(t, "fails")
		_ = cmd.Run()
		if got, want := stderr.String(), "tester: open postgres: no route EOF\n"; got != want || cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("status %d, %q; want 1, %q", cmd.ProcessState.ExitCode(), got, want)
		}
	})
	t.Run("a bad variable is named", func(t *testing.T) {
		t.Parallel()
		for env, want := range map[string]string{
			"PORT=high":      "tester: PORT: want a port from 0 to 65535; 0 takes a free one\n",
			"PORT=70000":     "tester: PORT: want a port from 0 to 65535; 0 takes a free one\n",
			"LOG_LEVEL=loud": "tester: LOG_LEVEL: want debug, info, warn or error\n",
			"APP_ENV=moon":   "tester: APP_ENV: want development, staging or production\n",
		} {
			cmd, stderr := program(t, "config", env)
			_ = cmd.Run()
			if got := stderr.String(); got != want || cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("%s: status %d, %q; want 1, %q", env, cmd.ProcessState.ExitCode(), got, want)
			}
		}
	})
	t.Run("the start line shows the configuration without secrets, at the level asked for", func(t *testing.T) {
		t.Parallel()
		cmd, _ := program(t, "config", "TOKEN=hunter2", "LOG_LEVEL=debug", "PORT=1234")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		first, rest, _ := strings.Cut(string(out), "\n")
		for _, want := range []string{`"msg":"start"`, `"service":"tester"`, `"PORT":"1234"`, `"TOKEN":"***"`, `"version":"dev`} {
			if !strings.Contains(first, want) {
				t.Errorf("%s lacks %s", first, want)
			}
		}
		if strings.Contains(string(out), "hunter2") || !strings.Contains(rest, "seen") {
			t.Errorf("log:\n%s", out)
		}
	})
	for _, name := range []string{"waits", "canceled"} {
		for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			t.Run(fmt.Sprintf("%v ends one that %s with status 0", signal, name), func(t *testing.T) {
				t.Parallel()
				cmd, stderr := program(t, name)
				await := lines(t, cmd)
				await("listening")
				if err := cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
					t.Errorf("ended with %v and said %q", err, stderr)
				}
			})
		}
	}
	t.Run("a second signal kills", func(t *testing.T) {
		t.Parallel()
		cmd, _ := program(t, "hangs")
		await := lines(t, cmd)
		await("listening")
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		await("stopping")
		// The first signal's handler is taken off beside the stop, so ask until
		// the process is gone.
		gone := make(chan error, 1)
		go func() { gone <- cmd.Wait() }()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-gone:
				if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || s.Signal() != syscall.SIGTERM {
					t.Errorf("ended with %v, want by the second signal", cmd.ProcessState)
				}
				return
			case <-tick.C:
				_ = cmd.Process.Signal(syscall.SIGTERM)
			}
		}
	})
}

// get asks h for path.
func get(t *testing.T, h http.Handler, path string) (int, map[string]string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	var body map[string]string
	if w.Header().Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
	}
	return w.Code, body
}

func TestHealth(t *testing.T) {
	t.Parallel()
	healthy := func(context.Context) error { return nil }
	away := func(context.Context) error { return errs.New(errs.Unavailable, "password is hunter2") }
	for _, c := range []struct {
		name     string
		checks   map[string]func(context.Context) error
		stopping bool
		status   int
		body     map[string]string
	}{
		{"ready with no dependencies", nil, false, 200, map[string]string{"status": "ready"}},
		{
			"ready", map[string]func(context.Context) error{"postgres": healthy, "nats": healthy}, false,
			200, map[string]string{"status": "ready", "postgres": "ok", "nats": "ok"},
		},
		{
			"a dependency that is away is named", map[string]func(context.Context) error{"postgres": healthy, "nats": away}, false,
			503, map[string]string{"status": "not ready", "postgres": "ok", "nats": "unavailable"},
		},
		{
			"a dependency that does not answer is waited for two seconds", map[string]func(context.Context) error{
				"postgres": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			}, false,
			503, map[string]string{"status": "not ready", "postgres": "internal"},
		},
		{"stopping", map[string]func(context.Context) error{"nats": healthy}, true, 503, map[string]string{"status": "stopping", "nats": "ok"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := New("tester", io.Discard)
			for name, ask := range c.checks {
				p.Ready(name, ask)
			}
			if c.stopping {
				close(p.stopping)
			}
			h := p.withHealth(nil)
			status, body := get(t, h, "/readyz")
			if diff := cmp.Diff(c.body, body); diff != "" || status != c.status {
				t.Errorf("status %d, want %d (-want +got):\n%s", status, c.status, diff)
			}
			for _, path := range []string{"/livez", "/health"} {
				if status, body := get(t, h, path); status != 200 || body["status"] != "healthy" || body["version"] == "" {
					t.Errorf("%s: %d, %v", path, status, body)
				}
			}
		})
	}
	t.Run("what is degraded is told with its reason, and is ready all the same", func(t *testing.T) {
		t.Parallel()
		p := New("tester", io.Discard)
		reason := "the cache is 12 s behind"
		p.Ready("nats", healthy)
		p.Degraded("stores", func(context.Context) string { return reason })
		want := map[string]string{"status": "degraded", "nats": "ok", "stores": reason}
		if status, body := get(t, p.withHealth(nil), "/readyz"); status != 200 || !maps.Equal(body, want) {
			t.Errorf("%d %v, want 200 %v", status, body, want)
		}
		reason = ""
		if status, body := get(t, p.withHealth(nil), "/readyz"); status != 200 || body["status"] != "ready" {
			t.Errorf("%d %v, want it ready", status, body)
		}
	})
	t.Run("the service answers all else, and /health where it has one", func(t *testing.T) {
		t.Parallel()
		h := New("tester", io.Discard).withHealth(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) }))
		for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/health": 418, "/api/x": 418} {
			if got, _ := get(t, h, path); got != want {
				t.Errorf("%s: %d, want %d", path, got, want)
			}
		}
	})
}

// running is a process that serves on a port of its own.
type running struct {
	url   string
	stop  context.CancelFunc
	ended chan error
}

func serve(t *testing.T, h http.Handler, loops ...func(context.Context) error) running {
	t.Helper()
	l, err := ListenLocal(0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r := running{"http://" + l.Addr().String(), cancel, make(chan error, 1)}
	go func() { r.ended <- New("tester", io.Discard).ServeListener(ctx, l, h, loops...) }()
	return r
}

func (r running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(patience):
		t.Fatal("Serve does not end")
		return nil
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	t.Run("a request that began before the stop gets its answer", func(t *testing.T) {
		t.Parallel()
		begun, finish := make(chan struct{}), make(chan struct{})
		loopEnded := make(chan struct{})
		r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			<-finish
			if r.Context().Err() != nil {
				t.Error("the request's context ended")
			}
			_, _ = io.WriteString(w, "answer")
		}), func(ctx context.Context) error { <-ctx.Done(); close(loopEnded); return nil })
		answer := make(chan string, 1)
		go func() {
			res, err := http.Get(r.url)
			if err != nil {
				answer <- err.Error()
				return
			}
			defer res.Body.Close()
			b, _ := io.ReadAll(res.Body)
			answer <- string(b)
		}()
		<-begun
		r.stop()
		<-loopEnded
		// The listener closes before the drain; only then may the answer come.
		for {
			conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
			if err != nil {
				break
			}
			_ = conn.Close()
		}
		select {
		case err := <-r.ended:
			t.Fatalf("ended with %v while a request is open", err)
		default:
		}
		close(finish)
		if got := <-answer; got != "answer" {
			t.Errorf("the client got %q", got)
		}
		if err := r.wait(t); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("a loop that fails stops all", func(t *testing.T) {
		t.Parallel()
		broken, other := errors.New("broken"), make(chan struct{})
		r := serve(t, nil,
			func(context.Context) error { return broken },
			func(ctx context.Context) error { <-ctx.Done(); close(other); return nil })
		if err := r.wait(t); !errors.Is(err, broken) {
			t.Errorf("ended with %v", err)
		}
		<-other
		if res, err := http.Get(r.url); err == nil {
			_ = res.Body.Close()
			t.Error("it still answers")
		}
	})
	t.Run("a loop that ends well stops nothing", func(t *testing.T) {
		t.Parallel()
		r := serve(t, nil, func(context.Context) error { return nil })
		res, err := http.Get(r.url + "/livez")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		r.stop()
		if err := r.wait(t); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("a port that is taken is one clear line", func(t *testing.T) {
		t.Parallel()
		l, err := Listen(0)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		err = New("tester", io.Discard).Serve(t.Context(), port, nil)
		if want := fmt.Sprintf("port %d is taken: set PORT to a free one", port); err == nil || err.Error() != want || errs.KindOf(err) != errs.Invalid {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}
