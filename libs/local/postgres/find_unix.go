//go:build unix

package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// places are where packages put the server binaries; setup.sh looks in the same.
var places = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

type binaries struct {
	dir   string
	major int
}

// Find gives the folder of the PostgreSQL server binaries that a new cluster
// would use: PLUGPACK_PG_BIN if it is set, else the one on PATH, else the
// highest version in the usual places, else what setup.sh fetched.
func Find() (string, error) {
	dirs, err := installed()
	if err != nil {
		return "", err
	}
	return dirs[0], nil
}

// installed lists every usable folder of binaries, the preferred one first.
func installed() ([]string, error) {
	runAs, err := databaseAccount()
	if err != nil {
		return nil, err
	}
	if dir := os.Getenv("PLUGPACK_PG_BIN"); dir != "" {
		dir = canonical(dir)
		if err := usable(dir, runAs); err != nil {
			return nil, fmt.Errorf("PLUGPACK_PG_BIN: %w: correct it or unset it", err)
		}
		return []string{dir}, nil
	}
	var found []string
	for _, dir := range candidates() {
		if usable(dir, runAs) == nil && !slices.Contains(found, dir) {
			found = append(found, dir)
		}
	}
	if len(found) == 0 {
		return nil, noBinaries()
	}
	return found, nil
}

func candidates() []string {
	var dirs []string
	if initdb, err := exec.LookPath("initdb"); err == nil {
		// A link on PATH may stand alone; its target has the rest beside it.
		dirs = append(dirs, filepath.Dir(canonical(initdb)))
	}
	var packaged []string
	for _, pattern := range places {
		matches, _ := filepath.Glob(pattern)
		packaged = append(packaged, matches...)
	}
	fetched, _ := filepath.Glob(filepath.Join(cacheDir(), "pg", "*", "bin"))
	dirs = append(dirs, newestFirst(packaged)...)
	return append(dirs, newestFirst(fetched)...)
}

// cacheDir is the same on every system, unlike os.UserCacheDir, so that
// setup.sh can name it too.
func cacheDir() string {
	home, _ := os.UserHomeDir()
	return filepath.Join(cmp.Or(os.Getenv("XDG_CACHE_HOME"), filepath.Join(home, ".cache")), "plugpack")
}

var number = regexp.MustCompile(`\d+`)

// newestFirst sorts by the numbers in the paths: 18.10 comes before 18.4.
func newestFirst(dirs []string) []string {
	version := func(dir string) (v []int) {
		for _, digits := range number.FindAllString(dir, -1) {
			n, _ := strconv.Atoi(digits)
			v = append(v, n)
		}
		return v
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return slices.Compare(version(b), version(a)) })
	return dirs
}

func usable(dir string, runAs account) error {
	for _, name := range []string{"initdb", "postgres"} {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return fmt.Errorf("there is no program %s", file)
		}
	}
	// Binaries in the home of root, say, are of no use to the account that root drops to.
	return runAs.canEnter(dir)
}

func noBinaries() error {
	if os.Geteuid() == 0 {
		return errors.New("no PostgreSQL server found: install one (apt-get install postgresql), or set PLUGPACK_PG_BIN to its bin folder, or DATABASE_URL to a running server")
	}
	return errors.New("no PostgreSQL server found: run setup.sh, ask an administrator to install one (apt-get install postgresql, brew install postgresql@17), or set PLUGPACK_PG_BIN to its bin folder, or DATABASE_URL to a running server")
}

// choose picks binaries for the cluster in dir, which was made by version
// major, or does not exist yet when that is 0. Two majors never share files, so
// the preferred binaries lose to ones that fit.
func choose(dir string, major int) (binaries, error) {
	dirs, err := installed()
	if err != nil {
		return binaries{}, err
	}
	var seen []string
	for _, d := range dirs {
		version, err := majorOf(d)
		if err != nil {
			return binaries{}, err
		}
		if major == 0 || version == major {
			return binaries{d, version}, nil
		}
		seen = append(seen, strconv.Itoa(version))
	}
	return binaries{}, fmt.Errorf("data folder %s was made by PostgreSQL %d, but this machine has %s: install version %d, or move the folder away to begin empty",
		dir, major, strings.Join(seen, " and "), major)
}

var versionLine = regexp.MustCompile(`PostgreSQL\) (\d+)`)

func majorOf(dir string) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	program := filepath.Join(dir, "postgres")
	out, err := exec.CommandContext(ctx, program, "--version").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("ask %s for its version: %w: %s", program, err, strings.TrimSpace(string(out)))
	}
	match := versionLine.FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("ask %s for its version: it says %q", program, out)
	}
	return strconv.Atoi(string(match[1]))
}
