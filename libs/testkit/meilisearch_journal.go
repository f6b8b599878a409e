package testkit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
)

// ServeMeilisearch runs the stand-in on l as a program of its own, which other
// programs use and tests kill. What it has accepted is in the file called
// journal before the answer goes out, and is done again at the next start, as
// the engine's own queue of tasks is.
func ServeMeilisearch(l net.Listener, key, journal string) error {
	s := newMeiliStandIn()
	s.key = key
	if err := s.replay(journal); err != nil {
		return err
	}
	s.settle()
	f, err := os.OpenFile(journal, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return http.Serve(l, &meiliJournal{next: s, out: f})
}

// settle returns when all tasks are done. What the engine had done before it
// ended is in its indexes when it answers again.
func (s *meiliStandIn) settle() {
	done := make(chan struct{})
	s.mu.Lock()
	s.enqueue("", "taskCancelation", nil, func() *meiliProblem { close(done); return nil })
	s.mu.Unlock()
	<-done
}

// meiliRequest is an accepted request.
type meiliRequest struct {
	Method string          `json:"m"`
	URL    string          `json:"u"`
	Body   json.RawMessage `json:"b,omitempty"`
}

// replay accepts again what the journal has. A last line that was cut off was
// never answered.
func (s *meiliStandIn) replay(journal string) error {
	f, err := os.Open(journal)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, meiliPayload)
	for lines.Scan() {
		var q meiliRequest
		if json.Unmarshal(lines.Bytes(), &q) != nil {
			break
		}
		r := httptest.NewRequest(q.Method, q.URL, bytes.NewReader(q.Body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+s.key)
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
	return lines.Err()
}

// meiliJournal writes down what is accepted.
type meiliJournal struct {
	next *meiliStandIn
	mu   sync.Mutex
	out  io.Writer
}

// ServeHTTP answers one request. Writes go one after another, so that the
// journal has them in the order of their tasks.
func (j *meiliJournal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/search") || strings.HasSuffix(r.URL.Path, "/fetch") {
		j.next.ServeHTTP(w, r)
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	j.next.ServeHTTP(answer, r)
	if answer.Code == http.StatusAccepted {
		line, err := json.Marshal(meiliRequest{r.Method, r.URL.RequestURI(), body})
		if err == nil {
			_, err = j.out.Write(append(line, '\n'))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}
