//go:build unix

package postgres

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// command prepares a program of PostgreSQL to run as the given account. When
// ctx ends, the program is killed together with its children.
func command(ctx context.Context, runAs account, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/" // ours may be closed to the account
	cmd.Env = environment()
	// A group of its own: a terminal's Ctrl-C reaches us, who stop the server
	// once nothing uses it any more.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	if runAs.dropped {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(runAs.uid), Gid: uint32(runAs.gid)}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	// A killed server's children hold its output open until they notice.
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// environment passes on what finds libraries and nothing else: our tokens are
// none of the server's business, and PGPORT or PGOPTIONS would change it.
func environment() []string {
	env := []string{"LC_ALL=" + locale(), "TZ=UTC"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// spawn starts cmd; its end arrives on the channel.
func spawn(cmd *exec.Cmd) (<-chan error, error) {
	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		// The kernel ties the death signal to the thread that forked, not to
		// the process: the thread must live as long as the child.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return ended, nil
}

// output passes the lines of a program on to the log and keeps the last few for
// the error message of a program that ended badly.
type output struct {
	log *slog.Logger

	mu      sync.Mutex
	partial []byte
	last    []string
}

const keepLines = 8

// Write takes any piece of output; lines may be split over several.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partial = append(o.partial, p...)
	for {
		line, rest, whole := bytes.Cut(o.partial, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		o.partial = rest
		o.keep(strings.TrimSpace(string(line)))
	}
}

func (o *output) keep(line string) {
	if line == "" {
		return
	}
	o.log.Debug("postgres says", "line", line)
	o.last = append(o.last, line)
	if len(o.last) > keepLines {
		o.last = o.last[1:]
	}
}

// tail gives the last lines as one, fit for an error.
func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.last, "; ")
}
