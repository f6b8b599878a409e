package security

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

var (
	ruleAutoApprove = Rule{"hook.auto-approve", 1, components, critical, high, "A hook answers the client's question for permission in the user's place, for every tool.", "Narrow the matcher to the tools that are meant, and deny or ask rather than allow."}
	ruleAllow       = Rule{"hook.allow", 1, components, medium, medium, "A hook can allow a tool without the user being asked.", "Deny or ask rather than allow."}
	ruleSendsPrompt = Rule{"hook.sends-events", 1, components, high, medium, "A hook sends what the user writes or what tools do to a server.", "Say in the README what is sent where, and make it opt-in."}
	ruleHookNetwork = Rule{"hook.network", 1, components, medium, low, "A hook, which runs by itself, connects to a server.", "Say in the README what is sent where."}
	ruleUnpinned    = Rule{"start.unpinned", 1, components, medium, medium, "Starting it runs the newest version of a package, whatever that is on the day.", "Name the version, as in npx -y package@1.2.3."}
	ruleCleartext   = Rule{"start.cleartext", 1, components, medium, high, "It speaks to a server without encryption.", "Use https."}
	rulePrivileged  = Rule{"start.privileged", 1, components, high, high, "It starts a container that has the run of the machine.", "Leave out --privileged and mount only the folder that is needed."}
	componentRules  = []Rule{ruleAutoApprove, ruleAllow, ruleSendsPrompt, ruleHookNetwork, ruleUnpinned, ruleCleartext, rulePrivileged}
)

// started is one thing that a hook or a server runs or connects to.
type started struct {
	plugpack.Reach
	line    string   // command and arguments
	url     string   // that it connects to
	scripts []string // of the plugin, that it runs
	text    string   // theirs
}

// components lists what hooks and servers run and reach, and reports what is
// remarkable of it.
func (c *scanner) components() (reach []plugpack.Reach) {
	for _, k := range c.in.Components {
		for _, s := range starts(k) {
			if len(reach) >= maxReach {
				c.skip(k.Path, "has more hooks and servers than are listed")
				return reach
			}
			c.fill(&s)
			c.judge(s)
			reach = append(reach, s.Reach)
		}
	}
	return reach
}

// starts gives what a component starts.
func starts(k plugpack.Component) (list []started) {
	r := plugpack.Reach{Kind: k.Kind, Name: k.Name, Path: k.Path}
	if k.Server != nil {
		list = append(list, started{Reach: r, line: strings.Join(append([]string{k.Server.Command}, k.Server.Args...), " "), url: k.Server.URL})
	}
	for _, h := range k.Handlers {
		r.Matcher, r.Gated = h.Matcher, !matchesAll(h.Matcher)
		list = append(list, started{Reach: r, line: strings.Join(append([]string{h.Command}, h.Args...), " "), url: h.URL})
	}
	return list
}

// matchesAll says whether a hook runs on every event of its kind.
func matchesAll(matcher string) bool {
	return slices.Contains([]string{"", "*", ".*", "^.*$", ".+"}, strings.TrimSpace(matcher))
}

// fill completes the inventory from the command and from the script it runs.
func (c *scanner) fill(s *started) {
	s.Runs = plugpack.Cut(RedactCommand(plugpack.Clean(strings.TrimSpace(s.line))), plugpack.MaxShort)
	s.scripts = scriptsOf(s.line)
	for _, at := range s.scripts {
		if b, err := c.head(File{Path: at}); err == nil && len(s.text) < maxText {
			s.text += string(b) + "\n"
		}
	}
	s.Hosts = hostsIn(s.url + " " + s.line + " " + withoutComments(s.text))
	s.Downloads = downloads(s.line)
}

var (
	ownFile = re(`(?:\$\{?(?:CLAUDE_PLUGIN_ROOT|PLUGIN_ROOT|CLAUDE_PROJECT_DIR)\}?|\.)/([\w@./-]+)`)
	address = re(`(?i)\b(?:https?|wss?|ftp)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d+)?`)
)

// scriptsOf gives the plugin's own files that a command names.
func scriptsOf(command string) (files []string) {
	for _, m := range ownFile.FindAllStringSubmatch(command, 4) {
		if at := path.Clean(m[1]); at != "." && !leaves(at) {
			files = append(files, at)
		}
	}
	return files
}

// scriptsRun are those of all hooks and servers.
func scriptsRun(list []plugpack.Component) map[string]bool {
	run := map[string]bool{}
	for _, k := range list {
		for _, s := range starts(k) {
			for _, at := range scriptsOf(s.line) {
				run[at] = true
			}
		}
	}
	return run
}

func withoutComments(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		if t := strings.TrimSpace(l); !strings.HasPrefix(t, "#") && !strings.HasPrefix(t, "//") && !strings.HasPrefix(t, "*") {
			b.WriteString(l)
		}
	}
	return b.String()
}

const maxHosts = 16

func hostsIn(text string) (list []string) {
	for _, m := range address.FindAllStringSubmatch(text, 256) {
		host := strings.ToLower(m[1])
		if isLocal(host) {
			continue
		}
		if host = Redact(host); !slices.Contains(list, host) && len(list) < maxHosts {
			list = append(list, host)
		}
	}
	slices.Sort(list)
	return list
}

func isLocal(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "[::1]" || host == "0.0.0.0" || host == "host.docker.internal"
}

// fetchers are commands that download what they run, with the words that come
// between them and the package.
var fetchers = []*regexp.Regexp{
	re(`(?:^|[\s;&|"'/])(?:npx|bunx|pnpx)((?:\s+(?:-y|--yes|-q|--quiet|--bun|-p|--package(?:=|\s)|--prefer-\w+|--no-install|--ignore-existing|--silent|-c))*)\s+([@\w][\w@./~^:-]*)`),
	re(`(?:^|[\s;&|"'/])(?:npm\s+(?:exec|x)|pnpm\s+dlx|yarn\s+dlx|bun\s+x)((?:\s+(?:-y|--yes|--|-q|--silent|--package(?:=|\s)|-p))*)\s+([@\w][\w@./~^:-]*)`),
	re(`(?:^|[\s;&|"'/])(?:uvx|uv\s+tool\s+run|pipx\s+run)((?:\s+(?:--from|--quiet|-q|--isolated|--no-cache|--refresh|--spec|--python\s+\S+|--with\s+\S+))*)\s+([\w@][\w@./:+\[\]=~<>-]*)`),
	re(`(?:^|[\s;&|"'/])(?:docker|podman)\s+run((?:\s+(?:-[a-zA-Z]+|--[\w-]+=\S+|--(?:rm|init|interactive|tty|privileged)|(?:-e|-v|-p|--env|--volume|--mount|--name|--network|--env-file|--entrypoint|--user|-u|-w|--pull|--cap-add|--security-opt|--pid)\s+\S+))*)\s+([\w][\w./:@-]*)`),
	re(`(?:^|[\s;&|"'/])(?:deno\s+run|go\s+run)((?:\s+-\S+)*)\s+((?:https://|npm:|jsr:|github\.com/)[\w@./:-]+)`),
	re(`(?:^|[\s;&|"'/])(?:pip3?\s+install|npm\s+i(?:nstall)?|npm\s+install\s+-g)((?:\s+(?:-g|--global|-q|-U|--upgrade|--quiet|--user|--break-system-packages|--silent))*)\s+([@\w][\w@./:\[\]=~<>-]*)`),
}

func downloads(command string) (list []string) {
	for _, f := range fetchers {
		for _, m := range f.FindAllStringSubmatch(command, 4) {
			if name := RedactSecrets(m[2]); !strings.HasPrefix(name, ".") && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

var pinned = re(`^(@[^/]+/)?[^@]+@v?\d+(\.\d+)+|==\d|@sha256:|:v?\d+\.\d[\w.-]*$|@[0-9a-f]{7,40}$|^https://\S+@v?\d`)

// judge reports what is remarkable of one thing that starts by itself.
func (c *scanner) judge(s started) {
	what := fmt.Sprintf("(%s %s.)", s.Kind, shown(s.Name))
	report := func(r Rule, level plugpack.Level, excerpt string) {
		c.add(r, level, s.Path, 0, r.Message+" "+what, excerpt)
	}
	for _, d := range s.Downloads {
		if !pinned.MatchString(d) {
			report(ruleUnpinned, medium, s.line)
			break
		}
	}
	if privileged.MatchString(s.line) {
		report(rulePrivileged, high, s.line)
	}
	for _, m := range address.FindAllStringSubmatch(s.url+" "+s.line, 16) {
		if clear := strings.HasPrefix(strings.ToLower(m[0]), "http://") || strings.HasPrefix(strings.ToLower(m[0]), "ws://"); clear && !isLocal(strings.ToLower(m[1])) {
			report(ruleCleartext, high, m[0])
			break
		}
	}
	if s.Kind == plugpack.Hook {
		c.judgeHook(s, report)
	}
}

var (
	privileged = re(`(?i)\b(docker|podman)\b[^\n]*\s(--privileged|-v\s+/:|--volume[= ]/:|-v\s+/var/run/docker\.sock|--pid[= ]host|--cap-add[= ](ALL|SYS_ADMIN))`)
	allows     = re(`(?i)permissionDecision\\?["']?\s*[:=]\s*\\?["']?allow\b|\\?["']?decision\\?["']?\s*:\s*\\?["']?approve\b|\\?["']?behavior\\?["']?\s*:\s*\\?["']?allow\b`)
	sending    = re(`(?i)\b(curl\b[^\n]*\s(-d|--data\S*|-F|--form|-T|--json|-X\s*(POST|PUT))|requests\.(post|put)|urlopen\([^\n]*data|httpx\.post|axios\.post|fetch\([^\n]*|method:\s*["'](POST|PUT)|invoke-(webrequest|restmethod)[^\n]*-method\s+post|\|\s*(nc|ncat)\b)`)
	decides    = []string{"PreToolUse", "PermissionRequest"}
)

func (c *scanner) judgeHook(s started, report func(Rule, plugpack.Level, string)) {
	text := withoutComments(s.text)
	if slices.Contains(decides, s.Name) && allows.MatchString(s.line+"\n"+text) {
		// A script that also denies or asks weighs each case.
		weighs := hasAny(strings.ToLower(s.line+text), []string{`deny`, `"ask"`, `'ask'`, `"block"`})
		switch {
		case !s.Gated && !weighs:
			report(ruleAutoApprove, high, s.line)
		case !s.Gated:
			report(ruleAllow, medium, s.line)
		default:
			report(ruleAllow, low, s.line)
		}
	}
	switch sends := s.url != "" || sending.MatchString(s.line+"\n"+text); {
	case len(s.Hosts) == 0:
	case sends && s.Name != "SessionStart" && s.Name != "Setup":
		report(ruleSendsPrompt, medium, strings.Join(s.Hosts, " "))
	default:
		report(ruleHookNetwork, low, strings.Join(s.Hosts, " "))
	}
}
