package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/testkit"
)

// hub is a GitHub whose repositories a test changes and whose answers it
// spoils.
type hub interface {
	address() string
	// commit writes files to repo, which is created if there is none, as one
	// commit; force rewrites the newest one instead.
	commit(repo string, files map[string]string, force bool)
	// spoil makes the next times requests about repo whose path matches go
	// wrong in the way that kind names.
	spoil(repo, kind, path string, times int)
	rename(from, to string)
	remove(repo string, status int)
	restore(repo string)
	// replace removes repo and makes another one of that name.
	replace(repo string, files map[string]string)
	// met counts the requests about repo that a fault was met by: those that were
	// spoilt, refused or sent elsewhere.
	met(repo string) int
}

// standIn is the hub of the test kit.
type standIn struct {
	*testkit.GitHubServer
	mu   sync.Mutex
	log  []testkit.GitHubRequest // all so far: the server forgets what it told
	hits map[string]int          // of faults that leave no status, by repository
}

func newStandIn(t *testing.T) *standIn {
	return &standIn{GitHubServer: testkit.GitHub(t, "testdata/flow.txtar"), hits: map[string]int{}}
}

func (s *standIn) address() string { return s.URL }

func (s *standIn) commit(repo string, files map[string]string, force bool) {
	for name, text := range files {
		s.Write(repo, name, text)
	}
}

// faultKinds are the ways to go wrong, by the names that both hubs know.
var faultKinds = map[string]testkit.GitHubFault{
	"429":           {Status: 429, Header: map[string]string{"Retry-After": "1"}, Body: `{"message":"Too many requests"}`},
	"secondary 403": {Status: 403, Header: map[string]string{"Retry-After": "1"}, Body: `{"message":"You have exceeded a secondary rate limit."}`},
	"secondary 429": {Status: 429, Header: map[string]string{"Retry-After": "1"}, Body: `{"message":"You have exceeded a secondary rate limit."}`},
	"primary 403":   {Status: 403, Header: map[string]string{"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0"}, Body: `{"message":"API rate limit exceeded"}`},
	"primary 429":   {Status: 429, Header: map[string]string{"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0"}, Body: `{"message":"API rate limit exceeded"}`},
	"500":           {Status: 500},
	"502":           {Status: 502, Body: "<html>Bad gateway</html>"},
	"503":           {Status: 503, Header: map[string]string{"Retry-After": "1"}},
	"drop":          {Drop: true},
	"garbage":       {Status: 200, Body: "<html>not what was asked for</html>"},
	"empty":         {Status: 409, Body: `{"message":"Git Repository is empty."}`},
	"slow":          {},
	"truncate":      {},
}

func (s *standIn) spoil(repo, kind, path string, times int) {
	f := faultKinds[kind]
	f.Path, f.Times = "(?i)"+strings.ReplaceAll(path, "REPO", repo), times
	if strings.HasPrefix(kind, "primary") {
		f.Header = maps.Clone(f.Header)
		f.Header["X-RateLimit-Reset"] = fmt.Sprint(time.Now().Add(2 * time.Second).Unix())
	}
	f.Hook = func() {
		s.mu.Lock()
		s.hits[repo]++
		s.mu.Unlock()
		if kind == "slow" {
			<-time.After(2 * time.Second) // the slowness itself is what is injected
		}
	}
	s.Fault(f)
}

func (s *standIn) rename(from, to string)         { s.Rename(from, to) }
func (s *standIn) remove(repo string, status int) { s.Delete(repo, status) }
func (s *standIn) restore(repo string)            { s.Delete(repo, 0) }

func (s *standIn) replace(repo string, files map[string]string) {
	s.Empty(repo)
	s.Replace(repo)
	s.commit(repo, files, false)
}

func (s *standIn) met(repo string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.hits[repo]; n > 0 {
		return n
	}
	s.log = append(s.log, s.Requests()...)
	n := 0
	for _, r := range s.log {
		if of(repo, r.Path) && spoilt(r.Path, r.Status) {
			n++
		}
	}
	return n
}

// of says whether a request is about repo, and not about one whose name begins
// in the same way.
func of(repo, path string) bool {
	_, rest, ok := strings.Cut(strings.ToLower(path)+"/", "/"+repo)
	return ok && rest[0] == '/'
}

// spoilt says whether an answer is an error, a repository's move or none. A
// repository without a release is no error, though that is told with a 404.
func spoilt(path string, status int) bool {
	if status == http.StatusNotFound && strings.HasSuffix(path, "/releases/latest") {
		return false
	}
	return status >= 400 || status == http.StatusMovedPermanently || status == 0
}

// mirror is the look-alike in the folder that PLUGPACK_SHARED names.
type mirror struct {
	*testkit.Mirror
	t *testing.T
}

// startMirror gives ok false where there is no look-alike to start.
func startMirror(t *testing.T) (m mirror, ok bool) {
	t.Helper()
	look, ok := testkit.StartMirror(t)
	return mirror{look, t}, ok
}

func (m mirror) address() string { return m.URL }

func (m mirror) exists(repo string) bool {
	res, err := http.Get(m.URL + "_admin/repos")
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return strings.Contains(string(b), `"`+repo+`"`)
}

func (m mirror) commit(repo string, files map[string]string, force bool) {
	if !m.exists(repo) {
		m.Admin("create", map[string]any{"repo": repo, "changes": files})
		return
	}
	m.Admin("advance", map[string]any{"repo": repo, "changes": files, "force": force})
}

func (m mirror) spoil(repo, kind, path string, times int) {
	rule := map[string]any{"repo": repo, "times": times}
	if path != "" {
		rule["path"] = strings.ReplaceAll(path, "REPO", repo)
	}
	kind, status, _ := strings.Cut(kind, " ")
	if n, err := strconv.Atoi(cmp.Or(status, kind)); err == nil {
		rule["status"] = n
	}
	switch kind {
	case "429", "503":
		rule["retry_after"] = 1
	case "secondary":
		rule["kind"], rule["retry_after"] = kind, 1
	case "primary":
		rule["kind"], rule["reset_in"] = kind, 2
	case "500", "502":
	case "slow":
		rule["kind"], rule["latency_ms"] = kind, 2000
	default:
		rule["kind"] = kind
	}
	m.Admin("fault", rule)
}

func (m mirror) rename(from, to string) { m.Admin("rename", map[string]any{"repo": from, "to": to}) }
func (m mirror) remove(repo string, status int) {
	m.Admin("remove", map[string]any{"repo": repo, "status": status})
}
func (m mirror) restore(repo string) { m.Admin("restore", map[string]any{"repo": repo}) }

func (m mirror) replace(repo string, files map[string]string) {
	m.rename(repo, repo+"-gone")
	m.remove(repo+"-gone", 404)
	m.Admin("create", map[string]any{"repo": repo + "-new", "changes": files})
	m.rename(repo+"-new", repo)
}

// met asks the rules what is left of them, which the look-alike tells with each
// new one, and its log about what no rule was needed for.
func (m mirror) met(repo string) (n int) {
	var answer struct {
		Rules []struct {
			Repo        string
			Times, Left int
		}
	}
	if err := json.Unmarshal(m.Admin("fault", map[string]any{"repo": "nobody/asks", "times": 1, "kind": "slow"}), &answer); err != nil {
		m.t.Fatal(err)
	}
	for _, r := range answer.Rules {
		if r.Repo == repo {
			n += r.Times - r.Left
		}
	}
	if n > 0 {
		return n
	}
	b, err := os.ReadFile(m.Log)
	if err != nil {
		m.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var r struct {
			Path   string
			Status int
		}
		if json.Unmarshal([]byte(line), &r) == nil && of(repo, r.Path) && spoilt(r.Path, r.Status) {
			n++
		}
	}
	return n
}
