//go:build unix

package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are chosen for one machine with one program on it. Durability stays
// at PostgreSQL's defaults: an event is acknowledged once its transaction has
// committed, so a lost commit would be a lost event.
var settings = map[string]string{
	"listen_addresses":        "",
	"port":                    port,
	"unix_socket_permissions": "0700",
	"shared_buffers":          "64MB",
	"max_connections":         "60",
	"jit":                     "off", // compiling costs more than it saves on queries of milliseconds
	"log_line_prefix":         "",
}

// Start runs the cluster in o.Dir, making it first when there is none, and
// returns when it answers queries.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Dir == "" {
		return nil, fmt.Errorf("start postgres: no data folder given")
	}
	s := &Server{dir: canonical(o.Dir), log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), done: make(chan struct{})}
	s.output = &output{log: s.log}
	var err error
	if s.runAs, err = databaseAccount(); err != nil {
		return nil, err
	}
	if s.lock, err = claim(s.dir, s.runAs); err != nil {
		return nil, err
	}
	if err := s.boot(ctx, o.Params); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

// boot runs while the lock is held.
func (s *Server) boot(ctx context.Context, params map[string]string) error {
	began := time.Now()
	major, err := inspect(s.dir)
	if err != nil {
		return err
	}
	bin, err := choose(s.dir, major)
	if err != nil {
		return err
	}
	if s.fresh = major == 0; s.fresh {
		err = s.create(ctx, bin, params["fsync"] != "off")
	} else {
		err = s.adopt(ctx)
	}
	if err != nil {
		return err
	}
	if err := makeSocketDir(socketDir(s.dir), s.runAs); err != nil {
		return err
	}
	s.socket = socketDir(s.dir)
	if err := s.launch(bin, params); err != nil {
		return err
	}
	if err := s.waitReady(ctx); err != nil {
		return err
	}
	go s.watch()
	s.log.Info("postgres started", "dir", s.dir, "version", bin.major, "fresh", s.fresh, "dur_ms", time.Since(began).Milliseconds())
	return nil
}

func (s *Server) launch(bin binaries, params map[string]string) error {
	all := maps.Clone(settings)
	maps.Copy(all, params)
	all["unix_socket_directories"] = s.socket
	args := []string{"-D", s.dir}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	s.cmd = command(context.Background(), s.runAs, filepath.Join(bin.dir, "postgres"), args...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	ended, err := spawn(s.cmd)
	if err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	go func() {
		<-ended // how it ended, its output says better than a wait status
		close(s.done)
	}()
	return nil
}

// waitReady watches the server's own status file, which tells more than a
// connection attempt: it also says whose status it is.
func (s *Server) waitReady(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ready(s.dir, s.cmd.Process.Pid) {
		select {
		case <-s.done:
			return fmt.Errorf("start postgres in %s: it ended while starting: %s", s.dir, s.output.tail())
		case <-ctx.Done():
			s.stopping.Store(true)
			_ = s.end(ctx)
			return fmt.Errorf("wait for postgres in %s: %w", s.dir, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// ready reads postmaster.pid: the first line is the server's process id, the
// eighth its state.
func ready(dir string, pid int) bool {
	data, _ := os.ReadFile(filepath.Join(dir, pidFile))
	lines := strings.Split(string(data), "\n")
	return len(lines) >= 8 && lines[0] == strconv.Itoa(pid) && strings.TrimSpace(lines[7]) == "ready"
}

// watch reports an end that nobody asked for; what to do about it is decided by
// whoever listens to Done.
func (s *Server) watch() {
	<-s.done
	if !s.stopping.Load() {
		s.log.Error("postgres ended by itself", "dir", s.dir, "output", s.output.tail())
	}
}
