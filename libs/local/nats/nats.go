// Package nats runs a NATS server with JetStream inside this process, for one
// machine. It opens no TCP port: the process itself connects in memory, and
// other programs of the same user over a Unix socket in the data folder. What
// was acknowledged is on the disk (SyncAlways); it loses to a real cluster in
// everything about more than one machine.
package nats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/plugpack/plugpack/libs/errs"
)

// Options says where the server keeps its streams.
type Options struct {
	Dir string // streams; created if missing
	// Socket is the path of the Unix socket for other programs; "" for none.
	Socket string
	// Port opens a TCP port on loopback, for tests of several processes; -1
	// takes a free one, 0 opens none.
	Port int
}

// Server is a running server.
type Server struct {
	ns     *server.Server
	lock   *os.File
	socket net.Listener
	bridge sync.WaitGroup
}

// Start starts a server and returns when it accepts connections.
func Start(ctx context.Context, o Options) (*Server, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, errs.New(errs.Invalid, "data folder %s: %w", o.Dir, err)
	}
	lock, err := claim(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock}
	if err := s.start(ctx, o); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// claim takes the folder for this process: a second server would write the
// same files. The kernel drops the lock when its owner dies.
func claim(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, errs.New(errs.Invalid, "data folder %s: %w", dir, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, errs.New(errs.Conflict, "data folder %s is in use by another plugpack: stop that one first, or choose another folder", dir)
	}
	return lock, nil
}

func (s *Server) start(ctx context.Context, o Options) error {
	opts := &server.Options{
		ServerName: "plugpack", DontListen: o.Port == 0, Host: "127.0.0.1", Port: o.Port,
		JetStream: true, StoreDir: o.Dir, SyncAlways: true, JetStreamMaxMemory: 256 << 20,
		NoSigs: true, NoLog: true,
	}
	var err error
	if s.ns, err = server.NewServer(opts); err != nil {
		return fmt.Errorf("start NATS in %s: %w", o.Dir, err)
	}
	go s.ns.Start()
	deadline := 30 * time.Second
	if d, ok := ctx.Deadline(); ok {
		deadline = time.Until(d)
	}
	if !s.ns.ReadyForConnections(deadline) {
		return errs.New(errs.Unavailable, "start NATS in %s: not ready after %s", o.Dir, deadline.Round(time.Second))
	}
	if o.Socket != "" {
		return s.listen(o.Socket)
	}
	return nil
}

// Connect opens a connection within the process.
func (s *Server) Connect(opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect("", append(opts, nats.InProcessServer(s.ns))...)
}

// URL gives the address of the TCP port, if one was asked for.
func (s *Server) URL() string { return s.ns.ClientURL() }

// Stop closes the socket and the server; what was acknowledged is kept.
func (s *Server) Stop() {
	if s.socket != nil {
		_ = s.socket.Close()
	}
	if s.ns != nil {
		s.ns.Shutdown()
		s.ns.WaitForShutdown()
	}
	s.bridge.Wait()
	_ = s.lock.Close()
}

// Dial connects to the server of another process over its Unix socket.
func Dial(socket string, opts ...nats.Option) (*nats.Conn, error) {
	nc, err := nats.Connect("nats://plugpack", append(opts, nats.SetCustomDialer(socketDialer(socket)), nats.SkipHostLookup())...)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "connect to %s: %w", socket, err)
	}
	return nc, nil
}

type socketDialer string

func (d socketDialer) Dial(_, _ string) (net.Conn, error) {
	return net.DialTimeout("unix", string(d), 5*time.Second)
}

// listen bridges the Unix socket to in-process connections. Only this user may
// open it.
func (s *Server) listen(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return errs.New(errs.Invalid, "data folder %s: %w", filepath.Dir(path), err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove stale socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	s.socket = l
	s.bridge.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.bridge.Go(func() { s.pipe(conn) })
		}
	})
	return nil
}

func (s *Server) pipe(outside net.Conn) {
	defer outside.Close()
	inside, err := s.ns.InProcessConn()
	if err != nil {
		slog.Warn("NATS socket", "err", err)
		return
	}
	defer inside.Close()
	done := make(chan struct{}, 2)
	copyTo := func(dst, src net.Conn) { _, _ = io.Copy(dst, src); done <- struct{}{} }
	go copyTo(inside, outside)
	go copyTo(outside, inside)
	<-done
}
