package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/errs"
)

const (
	// maxNesting is how deep a document nests at most; none of ours needs more
	// than a few levels.
	maxNesting = 64
	// maxFaults is how many faults are told.
	maxFaults = 20
)

// noText says what is wrong with a text that no store can hold.
const noText = "it holds a character that no text may have"

// IsText says whether every store can hold s: it is UTF-8 without the character
// NUL.
func IsText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// CheckParameter gives what is wrong with a value of the parameter that is at the
// place, such as "query.q"; nil for nothing.
func CheckParameter(value, at string) *ProblemField {
	if IsText(value) {
		return nil
	}
	return &ProblemField{Message: noText, Location: at}
}

// CheckDocument gives what keeps a JSON document from being taken at its word,
// by places that begin with at: text that no store can hold, a member that is
// there twice, of which two readers may take one each, and nesting beyond all
// use. Whether it is JSON is for its decoder to say.
func CheckDocument(document []byte, at string) []ProblemField {
	s := scan{at: at}
	_ = s.run(document)
	return s.faults
}

// CheckText refuses what CheckDocument finds a fault with, and what is no JSON.
func CheckText(document []byte) error {
	s := scan{at: "text"}
	if err := s.run(document); err != nil {
		return errs.New(errs.Invalid, "this is not JSON")
	}
	if len(s.faults) > 0 {
		return errs.New(errs.Invalid, "%s: %s", s.faults[0].Location, s.faults[0].Message)
	}
	return nil
}

// scan reads a document token by token and knows where it is.
type scan struct {
	at     string
	open   []frame
	faults []ProblemField
}

// frame is an object or an array that is open.
type frame struct {
	object bool
	wants  bool // the name of a member comes next
	name   string
	names  map[string]bool
	index  int
}

func (s *scan) run(document []byte) error {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber() // which a number too large for a type is, too
	for len(s.faults) < maxFaults {
		from := d.InputOffset()
		token, err := d.Token()
		if err == io.EOF && len(s.open) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		text, isText := token.(string)
		delim, _ := token.(json.Delim)
		good := !isText || utf8.Valid(document[from:d.InputOffset()]) && !strings.Contains(text, "\x00")
		switch {
		case delim == '}' || delim == ']':
			s.open = s.open[:len(s.open)-1]
			continue
		case isText && s.wantsName():
			s.member(text, good)
			continue
		}
		s.value()
		if !good {
			s.fault(noText)
		}
		if delim != 0 && len(s.open) == maxNesting {
			s.fault("it nests too deep")
			return nil
		}
		if delim != 0 {
			s.open = append(s.open, frame{object: delim == '{', wants: delim == '{', index: -1})
		}
	}
	return nil
}

func (s *scan) wantsName() bool { return len(s.open) > 0 && s.open[len(s.open)-1].wants }

// member notes that the value of a member comes next.
func (s *scan) member(name string, good bool) {
	f := &s.open[len(s.open)-1]
	if f.names == nil {
		f.names = map[string]bool{}
	}
	f.name, f.wants = name, false
	switch {
	case !good:
		f.name = "?"
		s.fault("the name of a member holds a character that no text may have")
	case f.names[name]:
		s.fault("it is there twice")
	}
	f.names[name] = true
}

// value notes that a value begins.
func (s *scan) value() {
	if len(s.open) == 0 {
		return
	}
	if f := &s.open[len(s.open)-1]; f.object {
		f.wants = true
	} else {
		f.index++
	}
}

func (s *scan) fault(message string) {
	place := s.at
	for _, f := range s.open {
		if f.object {
			place += "." + f.name
		} else {
			place += fmt.Sprintf("[%d]", f.index)
		}
	}
	s.faults = append(s.faults, ProblemField{Message: message, Location: place})
}
