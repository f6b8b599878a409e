package security

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// textRules are those of all families.
var textRules = slices.Concat(shellRules, persistRules, credentialRules, leakRules, instructionRules)

// Rules lists every rule, by id.
var Rules = sync.OnceValue(func() []Rule {
	var all []Rule
	for _, r := range textRules {
		all = append(all, r.Rule)
	}
	for _, s := range secrets {
		all = append(all, s.rule())
	}
	all = slices.Concat(all, unicodeRules, fileRules, componentRules)
	slices.SortFunc(all, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return all
})

// weighing is counted up with every change of what lowers or drops matches of
// all rules: comments, warnings, tests, placeholders.
const weighing = 2

// Ruleset is the version of all rules together: verdicts are given per content
// digest and ruleset.
var Ruleset = sync.OnceValue(func() string {
	h := sha256.New()
	fmt.Fprintf(h, "weighing %d\n", weighing)
	for _, r := range Rules() {
		fmt.Fprintf(h, "%s %d\n", r.ID, r.Version)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
})

// ruleset is rules made ready to be looked for together.
type ruleset struct {
	rules []textRule
	words *automaton
	// free are the lists that are empty and so always there.
	free set
}

// Numbers of the lists of words: those of defence, then two a rule and two a
// secret.
const (
	listWarning = iota
	listConceal
	listLooking
	firstRule
)

func newRuleset(rules []textRule) *ruleset {
	s := &ruleset{rules: rules}
	lists := [][]string{warning, conceals, looking}
	for _, r := range rules {
		lists = append(lists, r.words)
	}
	for _, k := range secrets {
		lists = append(lists, k.words)
	}
	for _, r := range rules {
		lists = append(lists, r.with)
	}
	for _, k := range secrets {
		lists = append(lists, k.with)
	}
	for n, list := range lists {
		if len(list) == 0 {
			s.free.add(n)
		}
	}
	s.words = newAutomaton(lists)
	return s
}

var defaultRules = sync.OnceValue(func() *ruleset { return newRuleset(textRules) })

// candidates gives the rules and secrets whose words a line has, by their
// number: first the rules, then the secrets.
func (s *ruleset) candidates(found set) (list []int) {
	n := len(s.rules) + len(secrets)
	for i := range found.each {
		if c := i - firstRule; c >= 0 && c < n && (found.has(i+n) || s.free.has(i+n)) {
			list = append(list, c)
		}
	}
	return list
}
