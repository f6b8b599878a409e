// Command corpus scans real repositories, served by a look-alike of GitHub, and
// shows that every entry of every marketplace is accounted for.
//
// It runs the plugpack program as a user would: the first scan reads everything;
// the second has to cost exactly one conditional request a repository; the third
// comes after a commit to one of them, which may cost three counted requests.
// Another program, on fresh data, is killed in the middle and has to end in the
// same catalog. It exits with status 1 and says why when one of these
// does not hold.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/service"
)

func main() {
	program := flag.String("plugpack", "bin/plugpack", "the program to run")
	shared := flag.String("shared", "../shared", "folder with ghmirror/ and corpus/")
	bench := flag.Bool("bench-scan", false, "only fetch and read every repository, and say what took the time")
	flag.Parse()
	ctx, stop := service.Signals(context.Background())
	defer stop()
	if err := run(ctx, *program, *shared, *bench); err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, program, shared string, bench bool) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	sources := filepath.Join(shared, "corpus", "repos.txt")
	repositories, err := readLines(sources)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "plugpack-corpus-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil { // the database runs as another user
		return err
	}
	gh, err := startGitHub(ctx, shared, filepath.Join(work, "github"))
	if err != nil {
		return err
	}
	defer gh.stop()
	if bench {
		return benchScan(ctx, gh, repositories)
	}

	c := &corpus{program: program, sources: sources, repositories: repositories, github: gh}
	whole, err := c.undisturbed(ctx, filepath.Join(work, "undisturbed"))
	if err != nil {
		return err
	}
	// The first one has moved on by a commit.
	again, err := startGitHub(ctx, shared, filepath.Join(work, "github-again"))
	if err != nil {
		return err
	}
	defer again.stop()
	c.github = again
	return c.killed(ctx, filepath.Join(work, "killed"), whole)
}

// corpus is what the runs share.
type corpus struct {
	program      string
	sources      string
	repositories []string
	github       *gitHub
}

// undisturbed scans everything, twice, gives the catalog of that, and scans once
// more after a commit.
func (c *corpus) undisturbed(ctx context.Context, data string) (dump, error) {
	p, err := c.up(ctx, data, c.sources)
	if err != nil {
		return nil, err
	}
	defer p.kill()
	start := time.Now()
	rows, err := c.waitScanned(ctx, p, start)
	if err != nil {
		return nil, err
	}
	seconds := time.Since(start).Seconds()
	first, err := c.github.budget()
	if err != nil {
		return nil, err
	}
	printTable(rows)
	fmt.Printf("first run: %d repositories in %.1f s\n\n", len(rows), seconds)
	first.print("first scan")
	if err := first.within("", c.repositories); err != nil {
		return nil, err
	}
	if err := printTotals(ctx, p.client); err != nil {
		return nil, err
	}
	if err := c.unchangedRun(ctx, data); err != nil {
		return nil, err
	}
	if err := accounted(rows); err != nil {
		return nil, err
	}
	whole, err := readDump(ctx, p.client)
	if err != nil {
		return nil, err
	}
	if err := c.changedRun(ctx, data); err != nil {
		return nil, err
	}
	return whole, p.interrupt()
}

// killed scans everything, is killed in the middle, is started again, and has
// to end in the catalog that the undisturbed run made.
func (c *corpus) killed(ctx context.Context, data string, want dump) error {
	p, err := c.up(ctx, data, c.sources)
	if err != nil {
		return err
	}
	if err := c.waitPlugins(ctx, p, len(want)/3); err != nil {
		p.kill()
		return err
	}
	p.kill()
	fmt.Printf("\nkilled with -9 when %d plugins were in the catalog; starting again\n", p.seen)
	start := time.Now()
	if p, err = c.up(ctx, data, c.sources); err != nil {
		return err
	}
	defer p.kill()
	if _, err := c.waitScanned(ctx, p, start); err != nil {
		return err
	}
	got, err := readDump(ctx, p.client)
	if err != nil {
		return err
	}
	if diff := want.diff(got); diff != "" {
		return errors.New("the catalog after the kill differs from the undisturbed one:\n" + diff)
	}
	fmt.Printf("after the kill: the same %d plugins and marketplaces as the undisturbed run, %.1f s later\n", len(got), time.Since(start).Seconds())
	return p.interrupt()
}

func readLines(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the corpus: %w", err)
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines, nil
}
