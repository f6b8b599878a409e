package nats_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/local/nats"
)

func start(t *testing.T, o nats.Options) *nats.Server {
	t.Helper()
	s, err := nats.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// socket gives a path that is short enough for a Unix socket on every system.
func socket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nats")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "run", "nats.sock")
}

func stream(t *testing.T, nc *natsclient.Conn) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.*"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publish(t *testing.T, nc *natsclient.Conn, subject string) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), subject, []byte(subject)); err != nil {
		t.Fatal(err)
	}
}

// TestNoTCPPort looks at the sockets of the whole process, so it does not run
// beside other tests.
func TestNoTCPPort(t *testing.T) {
	before := listening(t)
	s := start(t, nats.Options{Dir: t.TempDir(), Socket: socket(t)})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if after := listening(t); after != before {
		t.Errorf("%d TCP ports are open, %d before the start", after, before)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if after := listening(t); after != before+1 {
		t.Errorf("%d ports with one more open: this test sees none", after)
	}
}

// listening counts this process's listening TCP sockets.
func listening(t *testing.T) int {
	t.Helper()
	own := map[string]bool{}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("only Linux tells: %v", err)
	}
	for _, fd := range fds {
		to, _ := os.Readlink(filepath.Join("/proc/self/fd", fd.Name()))
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	n := 0
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue // a kernel without IPv6
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			const state, inode, listen = 3, 9, "0A"
			if v := strings.Fields(lines.Text()); len(v) > inode && v[state] == listen && own[v[inode]] {
				n++
			}
		}
	}
	return n
}

func TestStreamsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	s := start(t, nats.Options{Dir: dir})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	stream(t, nc)
	publish(t, nc, "s.1")
	publish(t, nc, "s.2")
	nc.Close()
	s.Stop()
	if i, err := os.Stat(dir); err != nil || i.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode is %v, %v; want 0700", i.Mode(), err)
	}

	s = start(t, nats.Options{Dir: dir})
	if nc, err = s.Connect(); err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	m, err := stream(t, nc).GetMsg(t.Context(), 2)
	if err != nil || string(m.Data) != "s.2" {
		t.Errorf("message 2 is %v, %v", m, err)
	}
}

func TestSocket(t *testing.T) {
	t.Parallel()
	path := socket(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	// What a process leaves that was killed.
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := nats.Dial(path); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("dialing a socket that nobody serves gives %v, want Unavailable", err)
	}

	s := start(t, nats.Options{Dir: t.TempDir(), Socket: path})
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 || i.Mode().Type() != os.ModeSocket {
		t.Errorf("the socket's mode is %v, %v; want 0600", i.Mode(), err)
	}
	inside, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	stream(t, inside)
	outside, err := nats.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	sub, err := inside.SubscribeSync("s.*")
	if err != nil {
		t.Fatal(err)
	}
	if err := inside.Flush(); err != nil { // the server knows of the subscription before the other connection speaks
		t.Fatal(err)
	}
	publish(t, outside, "s.1")
	if m, err := sub.NextMsg(10 * time.Second); err != nil || string(m.Data) != "s.1" {
		t.Errorf("got %v, %v", m, err)
	}
	s.Stop() // with both connections open
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestAFolderInUse(t *testing.T) {
	t.Parallel()
	o := nats.Options{Dir: t.TempDir()}
	first := start(t, o)
	if _, err := nats.Start(t.Context(), o); errs.KindOf(err) != errs.Conflict || !strings.Contains(err.Error(), "in use by another plugpack") {
		t.Errorf("a second server: %v", err)
	}
	first.Stop()
	start(t, o)
}

func TestAFolderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]nats.Options{
		"for streams":    {Dir: filepath.Join(file, "nats")},
		"for the socket": {Dir: t.TempDir(), Socket: filepath.Join(file, "nats.sock")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := nats.Start(context.Background(), o); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), file) {
				t.Errorf("got %v, want Invalid with the folder's name", err)
			}
		})
	}
}
