//go:build unix && !linux

package postgres

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent has no way to here: a server outlives a killed plugpack, and
// the next Start stops it.
func dieWithParent(*syscall.SysProcAttr) {}

// serversIn lists the server processes at work in dir; without /proc only lsof
// knows.
func serversIn(dir string) (pids []int) {
	out, _ := exec.Command("lsof", "-t", "-a", "-c", "postgres", "-d", "cwd", dir).Output()
	for _, field := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
