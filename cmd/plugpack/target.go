package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/term"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/scraper"
)

// exit ends the program with a status of its own. With no error nothing more
// has to be said.
type exit struct {
	code int
	err  error
}

// Error gives the reason, or "".
func (e exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// Unwrap gives the reason.
func (e exit) Unwrap() error { return e.err }

// unreadable marks an error as one of the target, and not of what was found.
func unreadable(err error) error { return exit{2, err} }

// target is what a person wants looked at.
type target struct {
	*scraper.Checkout
	// file is the file that was named within the folder, "." for the folder.
	file string
}

// openTarget opens a folder or file of this machine, or fetches a repository.
// What exists here is meant, also where it looks like owner/repo.
func openTarget(ctx context.Context, text string) (target, error) {
	file := "."
	if info, err := os.Stat(text); err == nil {
		dir, err := filepath.Abs(text)
		if err != nil {
			return target{}, unreadable(err)
		}
		if !info.IsDir() {
			dir, file = splitFile(dir)
		}
		text = dir
	} else if !errors.Is(err, fs.ErrNotExist) {
		return target{}, unreadable(fmt.Errorf("%s cannot be read: %w", text, err))
	}
	text, ref := splitRef(text)
	key, err := plugpack.ParseMarketplace(text, "github.com")
	if err != nil {
		return target{}, unreadable(err)
	}
	cfg, err := loadConfig()
	if err != nil {
		return target{}, unreadable(err)
	}
	progress := newProgress(text)
	defer progress.end()
	c, err := scraper.Open(ctx, cfg.Options, service.New("", os.Stderr).Log, key, ref, progress.step)
	if err != nil {
		return target{}, unreadable(err)
	}
	return target{c, file}, nil
}

// atRef is a repository with a branch, tag or commit. A user name before an @ is
// no repository, and stays with its address, which is refused then.
var atRef = regexp.MustCompile(`^((?:https://)?[^@:\s]+/[^@:/\s]+)@(\S+)$`)

// splitRef takes the ref off a repository. A folder has none.
func splitRef(text string) (repository, ref string) {
	if m := atRef.FindStringSubmatch(text); m != nil && !filepath.IsAbs(text) && text[0] != '.' {
		return m[1], m[2]
	}
	return text, ""
}

// splitFile gives the folder that a manifest's paths start from, and the file
// within it.
func splitFile(full string) (dir, file string) {
	dir, file = filepath.Split(full)
	if dir = filepath.Clean(dir); filepath.Base(dir) == ".claude-plugin" {
		return filepath.Dir(dir), ".claude-plugin/" + file
	}
	return dir, file
}

// progress tells a person at a terminal what is going on; its line is gone at
// the end.
type progress struct {
	about string
	shown bool
}

func newProgress(about string) *progress {
	return &progress{about: about, shown: term.IsTerminal(int(os.Stderr.Fd()))}
}

func (p *progress) step(what string) {
	if p.shown {
		fmt.Fprint(os.Stderr, clearLine+plugpack.Cut(plugpack.Clean(p.about)+": "+what, lineWidth))
	}
}

func (p *progress) end() {
	if p.shown {
		fmt.Fprint(os.Stderr, clearLine)
	}
}

// colour says whether to paint what goes to f: see no-color.org.
func colour(f *os.File) bool { return os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd())) }
