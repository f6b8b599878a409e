package catalog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// cpu is the processor time that the parts have used since they began. On a
// machine that others use too it says more than the clock.
type cpu struct{ program, postgres time.Duration }

func (c cpu) since(begin cpu) cpu { return cpu{c.program - begin.program, c.postgres - begin.postgres} }

// used reads it, the database server's from /proc.
func used(tb testing.TB, url string) (c cpu) {
	tb.Helper()
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		tb.Fatal(err)
	}
	c.program = time.Duration(self.Utime.Nano() + self.Stime.Nano())
	db, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close(tb.Context())
	var folder string
	if err := db.QueryRow(tb.Context(), `SHOW data_directory`).Scan(&folder); err != nil {
		tb.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(folder, "postmaster.pid"))
	if err != nil {
		tb.Fatal(err)
	}
	postmaster, _, _ := strings.Cut(string(data), "\n")
	processes, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		tb.Fatal(err)
	}
	for _, path := range processes {
		c.postgres += usedBy(path, postmaster)
	}
	return c
}

// usedBy gives the time of the process whose /proc/…/stat path is, if it is the
// postmaster, which has that of its dead children too, or a child of it.
func usedBy(path, postmaster string) (d time.Duration) {
	const tick = time.Second / 100
	data, err := os.ReadFile(path)
	if err != nil {
		return 0 // it has ended
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest) // from the third of proc(5) on
	times := fields[11:13]
	switch {
	case path == fmt.Sprintf("/proc/%s/stat", postmaster):
		times = fields[11:15]
	case fields[1] != postmaster:
		return 0
	}
	for _, text := range times {
		n, _ := strconv.Atoi(text)
		d += time.Duration(n) * tick
	}
	return d
}
