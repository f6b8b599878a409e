package main

import (
	"bytes"
	"context"
	"encoding/json"
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

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/catalog"
)

// screen is what a person sees of plugpack scan.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// watching is a plugpack scan of one marketplace on a bus of its own.
type watching struct {
	*screen
	bus   *bus.Bus
	stop  func()
	ended chan error
}

const watched = plugpack.MarketplaceKey("github.com/acme/tools")

func watch(t *testing.T) watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := watching{screen: &screen{}, bus: testkit.Bus(t), stop: cancel, ended: make(chan error, 1)}
	v := newView(os.Stdout, []plugpack.MarketplaceKey{watched})
	v.w, v.terminal, v.checkEvery, v.quietFor = w.screen, true, 20*time.Millisecond, 20*time.Millisecond
	go func() { w.ended <- watchScans(ctx, w.bus, v, false) }()
	t.Cleanup(cancel)
	return w
}

// take handles the messages of a stream with nothing but an acknowledgement.
func (w watching) take(t *testing.T, stream, durable string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- w.bus.Consume(ctx, bus.Subscription{Stream: stream, Durable: durable}, func(context.Context, bus.Msg) error { return nil })
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func (w watching) sees(t *testing.T, text string) {
	t.Helper()
	testkit.Eventually(t, text, func(context.Context) bool { return strings.Contains(w.String(), text) })
}

// However long a scan takes, the person who waits for it is told why.
func TestWaitingIsNeverSilent(t *testing.T) {
	t.Parallel()
	t.Run("without a scraper", func(t *testing.T) {
		t.Parallel()
		w := watch(t)
		w.sees(t, "still waiting for 1 of 1 scans: a scraper has to be running\n")
		w.stop()
		if err := <-w.ended; err == nil || !strings.Contains(err.Error(), "stopped before 1 of 1 scans had ended") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("without a catalog", func(t *testing.T) {
		t.Parallel()
		w := watch(t)
		w.take(t, events.StreamScan, "scraper")
		w.sees(t, "the catalog has not taken everything yet")
		w.stop()
		if err := <-w.ended; err == nil || !strings.Contains(err.Error(), "before the catalog") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("at GitHub's limit", func(t *testing.T) {
		t.Parallel()
		w := watch(t)
		w.sees(t, "still waiting")
		b, err := json.Marshal(events.ScanProgress{Marketplace: watched, Step: "waiting", Reason: "the limit\x1b[2J\nis used up"})
		if err != nil {
			t.Fatal(err)
		}
		w.bus.Tell(events.SubjectScanProgress(watched), b)
		w.bus.Tell(events.SubjectScanProgress(watched), b)
		w.sees(t, "github.com/acme/tools: waiting: the limit[2J is used up\n")
		w.take(t, events.StreamScan, "scraper")
		w.take(t, events.StreamPlugin, catalog.Durable)
		if <-w.ended; strings.Count(w.String(), "used up") != 1 {
			t.Errorf("was told %q", w)
		}
	})
	t.Run("when the end was not heard", func(t *testing.T) {
		t.Parallel()
		w := watch(t)
		w.take(t, events.StreamScan, "scraper")
		w.take(t, events.StreamPlugin, catalog.Durable)
		if err := <-w.ended; err == nil || !strings.Contains(w.String(), "github.com/acme/tools: ended, but how was not heard") {
			t.Errorf("got %v, and was told %q", err, w)
		}
	})
}

func TestMakefileScansWhatCanBeNamed(t *testing.T) {
	t.Parallel()
	scans := regexp.MustCompile(`bin/plugpack scan ([^$\s]+)`).FindAllStringSubmatch(readRepo(t, "Makefile"), -1)
	if len(scans) == 0 {
		t.Error("no scan of a source that is written there")
	}
	for _, m := range scans {
		if _, err := parseSources(m[1:]); err != nil {
			t.Error(err)
		}
	}
}

// A plugpack scan that does the work itself ends when its database does.
func TestScanWhoseDatabaseDies(t *testing.T) {
	t.Parallel()
	data, gh := dataFolder(t), testkit.GitHub(t, "testdata/flow.txtar")
	gh.Fault(testkit.GitHubFault{Path: `^/codeload/`, Times: 1, Hook: func() {
		text, err := os.ReadFile(filepath.Join(databaseDir(data), "postmaster.pid"))
		line, _, _ := strings.Cut(string(text), "\n")
		pid, convErr := strconv.Atoi(line)
		if err != nil || convErr != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
			t.Errorf("cannot kill the database: %v, %v", err, convErr)
		}
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, buildPlugpack(t), "scan", flowRepo)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PLUGPACK_DATA=" + data, "GITHUB_API_URL=" + gh.URL}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "the private database ended by itself") {
		t.Errorf("got %v\n%s", err, out)
	}
}
