package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// live asks the real client to validate every marketplace and plugin of the
// corpus, each written to a folder, and compares its answer with ours.
func live(client, corpus string) (bool, error) {
	repositories, err := filepath.Glob(filepath.Join(corpus, "*.json.gz"))
	if err != nil || len(repositories) == 0 {
		return false, fmt.Errorf("there are no repositories in %s: name their folder with -corpus", corpus)
	}
	work, err := os.MkdirTemp("", "plugpack-conformance-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	t := &tally{}
	for i, file := range repositories {
		fmt.Fprintf(os.Stderr, "\r%d of %d repositories", i+1, len(repositories))
		dir := filepath.Join(work, fmt.Sprint(i))
		targets, err := writeRepository(file, dir)
		if err != nil {
			return false, err
		}
		for _, target := range targets {
			id := strings.TrimSuffix(filepath.Base(file), ".json.gz") + "/" + target
			said, err := ask(client, filepath.Join(dir, target), filepath.Join(work, "home"))
			if err != nil {
				return false, err
			}
			compareLive(id, said, claudecode.Default().Validate(os.DirFS(dir), filepath.ToSlash(target)), t)
		}
	}
	fmt.Fprintln(os.Stderr)
	return t.print(), nil
}

func compareLive(id string, said answer, v claudecode.Validation, t *tally) {
	t.add(id, "live: validate: exit", said.exit, v.ExitCode(false))
	t.add(id, "live: validate: fields with errors", fmt.Sprint(said.errors), fmt.Sprint(fields(v.Faults, plugpack.Error)))
	t.add(id, "live: validate: fields with warnings", fmt.Sprint(said.warnings), fmt.Sprint(fields(v.Faults, plugpack.Warning)))
}

func fields(problems []plugpack.Fault, s plugpack.Severity) []string {
	list := []string{}
	for _, p := range problems {
		if p.Severity == s {
			field := p.Path
			if i := strings.Index(field, ".<plugin.json>."); i >= 0 {
				field = field[:i]
			}
			list = append(list, field)
		}
	}
	slices.Sort(list)
	return list
}

// answer is what the client printed.
type answer struct {
	exit             int
	errors, warnings []string
	// the same with the file before each
	errorPlaces, warningPlaces []string
}

var (
	dotted   = regexp.MustCompile(`\.(\d+)(\.|$)`)
	mentions = regexp.MustCompile(`^\s*❯ ([^:]+?)(?: plugin\.json → ([^:]*))?: `)
)

// ask runs the client without a network, where this user may take it away.
func ask(client, target, home string) (a answer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := []string{client, "plugin", "validate", target}
	if os.Geteuid() == 0 {
		args = append([]string{"unshare", "-n"}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = []string{"HOME=" + home, "PATH=/usr/bin:/bin", "DISABLE_TELEMETRY=1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1"}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return a, fmt.Errorf("run the client: %w", err)
	}
	a.exit, a.errors, a.warnings = cmd.ProcessState.ExitCode(), []string{}, []string{}
	a.errorPlaces, a.warningPlaces = []string{}, []string{}
	into, places, file := &a.errors, &a.errorPlaces, ""
	for line := range bytes.Lines(out) {
		text := strings.TrimSuffix(string(line), "\n")
		switch m := mentions.FindStringSubmatch(text); {
		case strings.HasPrefix(text, "Validating "):
			_, at, _ := strings.Cut(text, ": ")
			file = strings.TrimPrefix(strings.TrimPrefix(at, target), "/")
		case strings.HasPrefix(text, "⚠ Found "):
			into, places = &a.warnings, &a.warningPlaces
		case strings.HasPrefix(text, "✘ Found "):
			into, places = &a.errors, &a.errorPlaces
		case m != nil:
			field, inner := brackets(m[1]), ""
			if m[2] != "" {
				inner = ".<plugin.json>." + brackets(m[2])
			}
			*into, *places = append(*into, field), append(*places, file+" "+field+inner)
		}
	}
	for _, list := range []*[]string{&a.errors, &a.warnings, &a.errorPlaces, &a.warningPlaces} {
		slices.Sort(*list)
	}
	a.errorPlaces, a.warningPlaces = slices.Compact(a.errorPlaces), slices.Compact(a.warningPlaces)
	return a, nil
}

// brackets writes the place in a list as [0].
func brackets(field string) string {
	for dotted.MatchString(field) {
		field = dotted.ReplaceAllString(field, "[$1]$2")
	}
	return field
}
