// Package service is the life of a process: logger, signals, health, the HTTP
// server and a stop that drains. Every main reads the same: load the
// configuration, open the dependencies, New, Serve.
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
)

// Version is the program's version; releases set it when linking.
var Version = ""

// BuildVersion gives Version, or what the build recorded of its source.
func BuildVersion() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return "dev-" + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return "dev"
}

// Process is one running service.
type Process struct {
	Name string
	Log  *slog.Logger
	// Metrics are what /metrics tells, where that is answered.
	Metrics *prometheus.Registry

	metrics  bool // /metrics is answered beside a handler
	level    slog.LevelVar
	mu       sync.Mutex
	checks   []check
	degraded map[string]func(context.Context) string
	stopping chan struct{}
	stopOnce sync.Once
}

type check struct {
	name string
	ask  func(context.Context) error
}

// New makes a process that logs to w: JSON lines, or on a terminal plain ones.
// One without a name leaves it to its parts to say which service a line is of.
func New(name string, w io.Writer) *Process {
	p := &Process{Name: name, Metrics: newRegistry(), stopping: make(chan struct{})}
	options := &slog.HandlerOptions{Level: &p.level}
	p.Log = slog.New(slog.NewJSONHandler(w, options))
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.Log = slog.New(slog.NewTextHandler(w, options))
	}
	if name != "" {
		p.Log = p.Log.With("service", name)
	}
	otel.SetTracerProvider(trace.NewTracerProvider())
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return p
}

// Main runs run until it returns or the process is told to stop, and exits
// with status 1 and one line on standard error if run fails. As "NAME health" it
// asks the running process instead whether it is ready.
func Main(name string, run func(ctx context.Context, p *Process) error) {
	if len(os.Args) == 2 && os.Args[1] == "health" {
		run = probe
	}
	ctx, stop := Signals(context.Background())
	err := run(ctx, New(name, os.Stdout))
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "%s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
}

// Signals gives a context that ends at the first SIGINT, SIGTERM or, when the
// terminal closes, SIGHUP; a second one kills the process at once.
func Signals(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// LoadConfig fills cfg from the environment and logs it, secrets masked.
func (p *Process) LoadConfig(cfg any) error {
	if err := config.Load(cfg); err != nil {
		return err
	}
	attrs := []any{"version", BuildVersion()}
	for _, v := range config.Describe(cfg) {
		if v.Name == "LOG_LEVEL" {
			if err := p.level.UnmarshalText([]byte(v.Value)); err != nil {
				return errs.New(errs.Invalid, "LOG_LEVEL: want %s", v.Want)
			}
		}
		attrs = append(attrs, v.Name, v.Value)
	}
	p.Log.Info("start", attrs...)
	return nil
}

// Ready adds a dependency to /readyz.
func (p *Process) Ready(name string, ask func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checks = append(p.checks, check{name, ask})
}

// Degraded adds to /readyz what does not keep the process from working: ask
// gives the reason why something is not as it should be, "" if it is.
func (p *Process) Degraded(name string, ask func(context.Context) string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.degraded == nil {
		p.degraded = map[string]func(context.Context) string{}
	}
	p.degraded[name] = ask
}

// Serve answers HTTP on port and runs the loops, until ctx ends or one of them
// fails; then it stops all: /readyz says so at once, open requests get up to
// 20 s, loops finish what they hold.
func (p *Process) Serve(ctx context.Context, port int, h http.Handler, loops ...func(context.Context) error) error {
	l, err := Listen(port)
	if err != nil {
		return err
	}
	return p.ServeListener(ctx, l, h, loops...)
}

// Listen opens the port on all addresses and explains a port that is taken.
func Listen(port int) (net.Listener, error) { return listen(fmt.Sprintf(":%d", port), port) }

// ListenLocal is Listen for this machine only.
func ListenLocal(port int) (net.Listener, error) {
	return listen(fmt.Sprintf("127.0.0.1:%d", port), port)
}

func listen(addr string, port int) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, errs.New(errs.Invalid, "port %d is taken: set PORT to a free one", port)
	case errors.Is(err, syscall.EACCES):
		return nil, errs.New(errs.Invalid, "port %d may not be opened by this user: set PORT to one above 1023", port)
	case err != nil:
		return nil, errs.New(errs.Invalid, "listen on port %d: %w", port, err)
	}
	return l, nil
}

// ServeListener is Serve on an open listener, which it closes.
func (p *Process) ServeListener(ctx context.Context, l net.Listener, h http.Handler, loops ...func(context.Context) error) error {
	srv := &http.Server{
		Handler:           p.withHealth(h),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 60 * time.Second, IdleTimeout: 120 * time.Second,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve HTTP: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		p.stopOnce.Do(func() { close(p.stopping) })
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if err := srv.Shutdown(drain); err != nil {
			return errors.Join(fmt.Errorf("drain HTTP: %w", err), srv.Close())
		}
		return nil
	})
	for _, loop := range loops {
		g.Go(func() error { return loop(ctx) })
	}
	p.Log.Info("listening", "addr", l.Addr().String())
	err := g.Wait()
	p.Log.Info("stopped")
	return err
}

// SetLevel sets the least level that is logged.
func (p *Process) SetLevel(l slog.Level) { p.level.Set(l) }
