// Package api holds the types of the public REST API as they go over the wire,
// its problem document, its page cursors, and a typed client.
//
// The types are apart from the stored nouns, so a column can move without a
// client noticing. The catalog answers with them, the indexer renders cached
// pages with the same functions, so both give the same bytes.
package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
)

// HeaderRevision carries the revision of a plugin's page or a pack beside its
// body.
const HeaderRevision = "Plugpack-Revision"

// HeaderPages tells the gateway, and nobody else, the keys at which that
// revision is marked, separated by blanks: of all cached pages that show the
// same plugin, or of the pack.
const HeaderPages = "Plugpack-Pages"

// Encode writes v as every JSON body is written.
func Encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Marshal is Encode into bytes.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	err := Encode(&b, v)
	return b.Bytes(), err
}

// ETag gives the entity tag of a body.
func ETag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// Matches says whether the client that asks has the body of the tag already.
func Matches(r *http.Request, tag string) bool {
	for candidate := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		if c := strings.TrimPrefix(strings.TrimSpace(candidate), "W/"); c == tag || c == "*" {
			return true
		}
	}
	return false
}

// EncodeCursor makes the opaque form of a position in a list.
func EncodeCursor(position any) (string, error) {
	b, err := json.Marshal(position)
	if err != nil {
		return "", fmt.Errorf("encode cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// DecodeCursor reads what EncodeCursor made.
func DecodeCursor(s string, position any) error {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = CheckText(b)
	}
	if err == nil {
		err = json.Unmarshal(b, position)
	}
	if err != nil {
		return errs.New(errs.Invalid, "cursor: take it from the Link header of the page before")
	}
	return nil
}

// Problem is an RFC 9457 problem document.
type Problem struct {
	Type   string         `json:"type,omitempty" example:"about:blank"`
	Title  string         `json:"title" example:"Unprocessable Entity"`
	Status int            `json:"status" example:"422"`
	Detail string         `json:"detail" example:"validation failed"`
	Errors []ProblemField `json:"errors,omitempty"`
}

// ProblemField says what is wrong with one field of a request.
type ProblemField struct {
	Message  string `json:"message" example:"expected number <= 100"`
	Location string `json:"location" example:"query.limit"`
}

// WriteProblem answers with the problem document of err. The text of internal
// errors stays in the log.
func WriteProblem(w http.ResponseWriter, err error) {
	kind := errs.KindOf(err)
	if after := RetryAfter(err); after != "" {
		w.Header().Set("Retry-After", after)
	}
	writeProblem(w, Problem{Title: http.StatusText(kind.Status()), Status: kind.Status(), Detail: errs.Detail(err)})
}

// RetryAfter gives the header of an error after which the same request may work,
// "" for another one.
func RetryAfter(err error) string {
	after := errs.RetryAfter(err)
	if errs.KindOf(err) == errs.Unavailable && after == 0 {
		after = 5 * time.Second
	}
	if after == 0 {
		return ""
	}
	return strconv.Itoa(int(math.Ceil(after.Seconds())))
}

// WriteStatus answers with a problem document of a status that stands for no
// kind of error.
func WriteStatus(w http.ResponseWriter, status int, detail string) {
	writeProblem(w, Problem{Title: http.StatusText(status), Status: status, Detail: detail})
}

func writeProblem(w http.ResponseWriter, p Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = Encode(w, p)
}
