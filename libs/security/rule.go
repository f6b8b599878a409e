package security

import (
	"regexp"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Rule says what one kind of finding is.
type Rule struct {
	ID       string
	Version  int // counted up with every change of what it finds
	Category string
	Severity plugpack.Level
	// Confidence is what a match has where nothing speaks against it.
	Confidence plugpack.Level
	Message    string // one sentence
	Fix        string
}

// The categories.
const (
	runsRemote  = "remote code"
	hidesCode   = "hidden code"
	staysOn     = "persistence"
	weakens     = "disabled protection"
	readsSecret = "credential access"
	sendsData   = "data leaving"
	destroys    = "destructive"
	instructs   = "instructions"
	redirects   = "registry"
	hasSecret   = "secret"
	strangeFile = "files"
	components  = "hooks and servers"
)

// kind says what a file is to a rule; a rule may look at several.
type kind uint16

const (
	shell       kind = 1 << iota
	python           // and Ruby, Perl
	script           // JavaScript and TypeScript
	config           // JSON, TOML, YAML and their like
	instruction      // Markdown that the model is given
	prose            // other Markdown and text
	other            // text of any other kind
)

const (
	code     = shell | python | script
	commands = shell | config | instruction | prose
	markdown = instruction | prose
	anything = code | config | markdown | other
)

// textRule is a rule that is a pattern of one line.
type textRule struct {
	Rule
	in kind
	// words and with are lower-case; a line without one of each is not matched
	// at all.
	words   []string
	with    []string
	pattern *regexp.Regexp
	// unless takes back a match of a line that has it.
	unless *regexp.Regexp
	// known matches what many projects do, which says less.
	known *regexp.Regexp
	// quiet: what documents and defends is no sign of anything, so that a match
	// there is dropped rather than lowered.
	quiet bool
	// always: comments and defensive words do not lower it.
	always bool
	// only: lines that the rule is about, by what is around them.
	only func(l line) bool
}

func re(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }
