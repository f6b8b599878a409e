package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// installCase is a plugin of our own that is installed from a marketplace in a
// folder, with what the client made of it.
type installCase struct {
	Entry    json.RawMessage   `json:"entry"`
	Files    map[string]string `json:"files"`
	Installs bool              `json:"installs"`
	Broken   bool              `json:"broken,omitempty"` // it says on loading that something is lost
	AlwaysOn int               `json:"always_on"`
	Counts   map[string]int    `json:"counts"`
	Rows     []string          `json:"rows"`
}

// installLive adds one marketplace of all cases, installs each plugin, and
// compares.
func installLive(client, record string, t *tally) error {
	work, err := os.MkdirTemp("", "plugpack-install-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	cases := installCases()
	names := make([]string, len(cases))
	entries := make([]string, len(cases))
	for i, c := range cases {
		names[i], entries[i] = fmt.Sprintf("x%d", i), string(c.Entry)
		for name, text := range c.Files {
			if err := writeFile(filepath.Join(work, names[i], name), text); err != nil {
				return err
			}
		}
	}
	if err := writeFile(filepath.Join(work, marketFile), market("", entries).Files[marketFile]); err != nil {
		return err
	}
	run := func(args ...string) (string, int) { return plugin(client, filepath.Join(work, "home"), args...) }
	if out, exit := run("marketplace", "add", work); exit != 0 {
		return fmt.Errorf("add the marketplace: %s", out)
	}
	for i := range cases {
		_, exit := run("install", names[i]+"@tools")
		cases[i].Installs = exit == 0
		if exit == 0 {
			out, _ := run("details", names[i]+"@tools")
			readDetails(&cases[i], out)
		}
	}
	out, _ := run("list", "--json")
	if err := readErrors(cases, out); err != nil {
		return err
	}
	var lines []byte
	for i, c := range cases {
		compareInstall(names[i], c, names, t)
		line, err := json.Marshal(c)
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
	}
	if record == "" {
		return nil
	}
	return os.WriteFile(record, lines, 0o644)
}

func writeFile(at, text string) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	return os.WriteFile(at, []byte(text), 0o644)
}

func plugin(client, home string, args ...string) (string, int) {
	all := append([]string{client, "plugin"}, args...)
	if os.Geteuid() == 0 {
		all = append([]string{"unshare", "-n"}, all...)
	}
	cmd := exec.Command(all[0], all[1:]...)
	cmd.Env = []string{"HOME=" + home, "PATH=/usr/bin:/bin", "DISABLE_TELEMETRY=1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1"}
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

var (
	countLine = regexp.MustCompile(`(?m)^  (Skills|Agents|Hooks|MCP servers|LSP servers) \((\d+)\)`)
	totalLine = regexp.MustCompile(`Always-on:\s+~([\d,]+) tok`)
	rowLine   = regexp.MustCompile(`^  (.*?)\s+(< 20|~[\d.,]+k?)\s+(< 20|~[\d.,]+k?)$`)
)

func readDetails(c *installCase, out string) {
	c.Counts, c.Rows = map[string]int{}, []string{}
	for _, m := range countLine.FindAllStringSubmatch(out, -1) {
		c.Counts[strings.ReplaceAll(strings.ToLower(m[1]), " ", "_")], _ = strconv.Atoi(m[2])
	}
	if m := totalLine.FindStringSubmatch(out); m != nil {
		c.AlwaysOn, _ = strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
	}
	for line := range strings.Lines(out) {
		if m := rowLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			c.Rows = append(c.Rows, fmt.Sprint(m[1:]))
		}
	}
	slices.Sort(c.Rows)
}

// readErrors reads what the client says of loading.
func readErrors(cases []installCase, out string) error {
	var list []struct {
		ID     string
		Errors []json.RawMessage
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return fmt.Errorf("the list of plugins: %w", err)
	}
	for _, p := range list {
		i, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(p.ID, "x"), "@tools"))
		if err == nil && i < len(cases) {
			cases[i].Broken = len(p.Errors) > 0
		}
	}
	return nil
}

func compareInstall(name string, c installCase, names []string, t *tally) {
	p, fsys := claudecode.Default(), tree(c.Files)
	in := p.Install(c.Entry, claudecode.Place{Kind: claudecode.PlaceFolder, Name: "tools"}, fsys, func(n string) bool { return slices.Contains(names, n) })
	id := name + " " + string(c.Entry) + fmt.Sprint(c.Files)
	t.add(id, "own: install", c.Installs, in.Installs)
	if !c.Installs || !in.Installs {
		return
	}
	t.add(id, "own: load", c.Broken, in.Load != plugpack.LoadWhole)
	d := p.Details(fsys, name, c.Entry)
	rows := []string{}
	for _, r := range d.Rows {
		rows = append(rows, fmt.Sprint([]string{r.Name, claudecode.TokenText(r.AlwaysOn()), claudecode.TokenText(r.OnUse())}))
	}
	slices.Sort(rows)
	t.add(id, "own: always-on total", c.AlwaysOn, d.Cost.AlwaysOn)
	t.add(id, "own: counts", fmt.Sprint(c.Counts), fmt.Sprint(counts(d.Cost)))
	t.add(id, "own: rows", strings.Join(c.Rows, " "), strings.Join(rows, " "))
}
