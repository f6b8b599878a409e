package marketplace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// readList splits the file into its head and its entries, which stay raw so
// that only one at a time is decoded. It gives the entries even with an error.
func readList(b []byte) (head object, entries []json.RawMessage, err error) {
	if err := notUTF8Mark(b); err != nil {
		return nil, nil, err
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(b, &top); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, nil, errors.New("is not a JSON object")
		}
		return nil, nil, notJSON(err)
	}
	if top == nil {
		return nil, nil, errors.New("is not a JSON object")
	}
	entries, listErr := readEntries(top["plugins"])
	head = object{}
	for name, raw := range top {
		if name == "plugins" {
			continue
		}
		if len(raw) > maxFile {
			return nil, entries, fmt.Errorf("has a field %.100q of more than %d KiB", name, maxFile>>10)
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, entries, notJSON(err)
		}
		head[name] = v
	}
	head["renames"] = top["renames"]
	return head, entries, listErr
}

func readEntries(raw json.RawMessage) ([]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	start, err := dec.Token()
	if errors.Is(err, io.EOF) {
		return nil, errors.New(`has no "plugins"`)
	}
	if start != json.Delim('[') {
		return nil, errors.New(`has "plugins" that is not a list`)
	}
	var entries []json.RawMessage
	for dec.More() {
		var e json.RawMessage
		if err := dec.Decode(&e); err != nil {
			return entries, notJSON(err)
		}
		if entries = append(entries, e); len(entries) > plugpack.MaxEntries {
			return entries, fmt.Errorf("has more than %d entries", plugpack.MaxEntries)
		}
	}
	return entries, nil
}

// headFields are the checks that reject the whole file.
var headFields = []field{
	{"description", isString}, {"version", isString}, {"$schema", isString},
	{"metadata", shape(false, nil, field{"description", isString}, field{"version", isString}, field{"pluginRoot", isString})},
	{"forceRemoveDeletedPlugins", isBool}, {"allowCrossMarketplaceDependenciesOn", isStrings},
	{"owner", isAuthor},
}

func checkHead(head object, key plugpack.MarketplaceKey) error {
	marketName, ok := head["name"].(string)
	if !ok {
		return errors.New(`has no "name"`)
	}
	if problem := nameProblem(marketName, key); problem != "" {
		return fmt.Errorf("has the name %.100q, which %s", marketName, problem)
	}
	if _, ok := head["owner"]; !ok {
		return errors.New(`has no "owner"`)
	}
	if problem := firstProblem(head, headFields); problem != "" {
		return errors.New("has a bad field: " + problem)
	}
	return nil
}

var (
	impersonation = regexp.MustCompile(`official[^a-z0-9]*(anthropic|claude)|(anthropic|claude)[^a-z0-9]*official|^(anthropic|claude)[^a-z0-9]*(marketplace|plugins|official)`)
	reserved      = []string{"inline", "builtin", "skills-dir"}
	objectMembers = []string{"__proto__", "constructor", "hasownproperty", "isprototypeof", "propertyisenumerable", "tolocalestring", "tostring", "valueof",
		"__definegetter__", "__definesetter__", "__lookupgetter__", "__lookupsetter__"}
	anthropicNames = strings.Fields(`claude-code-marketplace claude-code-plugins claude-plugins-official
		claude-plugins-community claude-community anthropic-marketplace anthropic-plugins agent-skills
		anthropic-agent-skills knowledge-work-plugins life-sciences claude-for-legal claude-for-financial-services
		financial-services-plugins`)
)

// nameProblem says why the client refuses a marketplace of that name.
func nameProblem(s string, key plugpack.MarketplaceKey) string {
	lower := strings.ToLower(s)
	ours := slices.Contains(anthropicNames, lower)
	switch {
	case s == "":
		return "is empty"
	case len(s) > plugpack.MaxName:
		return fmt.Sprintf("is longer than %d bytes", plugpack.MaxName)
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "has blanks or characters other than printable ASCII"
	case strings.ContainsAny(s, `/\`), strings.Contains(s, ".."), s == ".":
		return "could be taken for a path"
	case ours && !(key.Host() == gitHubHost && key.Owner() == "anthropics"):
		return "is reserved for Anthropic"
	case !ours && impersonation.MatchString(lower):
		return "could be taken for an official one"
	case slices.Contains(reserved, lower), slices.Contains(objectMembers, lower):
		return "is reserved by the client"
	}
	return ""
}

// entry is one decoded item of "plugins".
type entry struct {
	name   string
	fields object
}

// readEntryHead says why no client lists the entry, or why we cannot.
func readEntryHead(raw json.RawMessage) (entry, string) {
	if len(raw) > maxEntry {
		return entry{}, fmt.Sprintf("the entry is larger than %d KiB", maxEntry>>10)
	}
	o, err := decodeObject(raw)
	if err != nil {
		return entry{}, "the entry is not an object"
	}
	e := entry{name: text(o["name"]), fields: o}
	if _, ok := o["name"].(string); !ok {
		return e, "the entry has no name"
	}
	return e, entryNameProblem(e.name)
}

// entryNameProblem: the client drops empty names and those with a blank; the
// others cannot be a key or be shown safely.
func entryNameProblem(s string) string {
	switch {
	case s == "":
		return "the entry's name is empty"
	case strings.Contains(s, " "):
		return "the entry's name has a blank"
	case len(s) > plugpack.MaxName:
		return fmt.Sprintf("the entry's name is longer than %d bytes", plugpack.MaxName)
	case plugpack.Clean(s) != s:
		return "the entry's name has control or invisible characters"
	}
	return ""
}
