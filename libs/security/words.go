package security

import "math/bits"

// set holds numbers of word lists.
type set [6]uint64

func (s *set) add(n int)     { s[n/64] |= 1 << (n % 64) }
func (s set) has(n int) bool { return s[n/64]&(1<<(n%64)) != 0 }

// each yields the numbers of s.
func (s set) each(yield func(int) bool) {
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			if !yield(i*64 + bits.TrailingZeros64(word)) {
				return
			}
		}
	}
}

// automaton finds the words of many lists in one pass over a text (Aho and
// Corasick), without regard to the case of ASCII letters. It decides which of
// the patterns, which take much longer, have a chance at all.
type automaton struct {
	class   [256]uint8 // of a byte; 0 is in no word
	classes int
	next    []uint16 // by state and class
	out     []set    // lists of which a word ends in a state
	ends    []bool   // whether one does
}

func newAutomaton(lists [][]string) *automaton {
	a := &automaton{classes: 1}
	for _, list := range lists {
		for _, word := range list {
			for i := range len(word) {
				if a.class[word[i]] == 0 {
					a.class[word[i]] = uint8(a.classes)
					a.classes++
				}
			}
		}
	}
	for c := 'A'; c <= 'Z'; c++ {
		a.class[c] = a.class[c+'a'-'A']
	}
	a.state()
	for n, list := range lists {
		for _, word := range list {
			a.insert(word, n)
		}
	}
	a.complete()
	return a
}

func (a *automaton) state() uint16 {
	a.next = append(a.next, make([]uint16, a.classes)...)
	a.out = append(a.out, set{})
	return uint16(len(a.out) - 1)
}

func (a *automaton) insert(word string, list int) {
	at := uint16(0)
	for i := range len(word) {
		edge := int(at)*a.classes + int(a.class[word[i]])
		if a.next[edge] == 0 {
			to := a.state()
			a.next[edge] = to
		}
		at = a.next[edge]
	}
	a.out[at].add(list)
}

// complete turns the tree into a machine that never goes back in the text.
func (a *automaton) complete() {
	fail := make([]uint16, len(a.out))
	var queue []uint16
	for c := range a.classes {
		if to := a.next[c]; to != 0 {
			queue = append(queue, to)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for i, more := range a.out[fail[at]] {
			a.out[at][i] |= more
		}
		for c := range a.classes {
			edge, other := int(at)*a.classes+c, a.next[int(fail[at])*a.classes+c]
			if to := a.next[edge]; to != 0 {
				fail[to] = other
				queue = append(queue, to)
			} else {
				a.next[edge] = other
			}
		}
	}
	a.ends = make([]bool, len(a.out))
	for i, s := range a.out {
		a.ends[i] = s != set{}
	}
}

// find gives the lists of which text has a word.
func (a *automaton) find(text string) (found set) {
	at := uint16(0)
	for i := range len(text) {
		at = a.next[int(at)*a.classes+int(a.class[text[i]])]
		if a.ends[at] {
			for n, more := range a.out[at] {
				found[n] |= more
			}
		}
	}
	return found
}
