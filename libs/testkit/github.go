package testkit

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// GitHubServer speaks the few routes of GitHub's REST interface that the
// scraper calls: a repository, its head, its archive, its latest release, one of
// its files, both searches, the limits; and those by which people sign in.
// Answers have ETags, and conditional requests are answered 304.
type GitHubServer struct {
	// URL is the base address, with a trailing slash.
	URL string

	t       testing.TB
	server  *httptest.Server
	mu      sync.Mutex
	repos   map[string]*gitHubRepo // by lower-case full name
	renamed map[string]string
	faults  []*GitHubFault
	log     []GitHubRequest
	token   string
	host    string
	now     func() time.Time
	buckets map[string]*gitHubBucket // by resource
	oauth   gitHubOAuth
	// incomplete is how many searches still give up half-way.
	incomplete int
}

type gitHubRepo struct {
	id      int64
	name    string // in its own letter case
	files   map[string]string
	version int // counts changes, so that going back is a new commit too
	stars   int
	topics  []string
	created time.Time
	release string // the latest one's tag
	private bool
	gone    int                          // status instead of an answer
	history map[string]map[string]string // files by commit
	refs    map[string]string            // commits by branch or tag
}

// GitHubRequest is one line of the server's log. Archives are logged twice, as
// the question to the API and as the download.
type GitHubRequest struct {
	Path        string
	Query       string
	Status      int
	Conditional bool
	Download    bool
}

// GitHubFault is what goes wrong for requests whose path it matches.
type GitHubFault struct {
	Path   string // regular expression; "" for every path
	Times  int    // how often; 0 for ever
	Status int
	Header map[string]string
	Body   string
	Drop   bool // cut the connection
	// Hook runs before the request is answered, fault or none, so that a test
	// can act at that very moment.
	Hook func()
}

// GitHub starts a server with the repositories of a txtar file, whose files are
// named owner/repo/path; "" is a GitHub without any. A name
// "owner/repo/path -> target" is a link.
func GitHub(t testing.TB, file string) *GitHubServer {
	t.Helper()
	g := &GitHubServer{t: t, repos: map[string]*gitHubRepo{}, renamed: map[string]string{}, host: "github.com", now: time.Now, buckets: gitHubBuckets()}
	if file != "" {
		g.Load(file)
	}
	g.server = httptest.NewUnstartedServer(g)
	g.URL = "http://" + g.server.Listener.Addr().String() + "/" // which its handlers read
	g.server.Start()
	t.Cleanup(g.server.Close)
	return g
}

// Load replaces the files of every repository that the txtar file names, as a
// new commit.
func (g *GitHubServer) Load(file string) {
	g.t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		g.t.Fatalf("read GitHub's state: %v", err)
	}
	states := map[string]map[string]string{}
	for _, f := range a.Files {
		parts := strings.SplitN(f.Name, "/", 3)
		if len(parts) != 3 {
			g.t.Fatalf("%s: %q is not owner/repo/path", file, f.Name)
		}
		repo := parts[0] + "/" + parts[1]
		if states[repo] == nil {
			states[repo] = map[string]string{}
		}
		states[repo][parts[2]] = string(f.Data)
	}
	for repo, files := range states {
		g.change(repo, func(r *gitHubRepo) { r.files = files })
	}
}

// Write makes a commit that writes one file of repo ("owner/repo"), which is
// created if there is none.
func (g *GitHubServer) Write(repo, path, text string) {
	g.change(repo, func(r *gitHubRepo) { r.files[path] = text })
}

// Remove makes a commit that removes a file, or a folder.
func (g *GitHubServer) Remove(repo, path string) {
	g.change(repo, func(r *gitHubRepo) {
		maps.DeleteFunc(r.files, func(p, _ string) bool { return p == path || strings.HasPrefix(p, path+"/") })
	})
}

// Empty makes repo a repository without a commit.
func (g *GitHubServer) Empty(repo string) {
	g.change(repo, func(r *gitHubRepo) { r.files = map[string]string{} })
}

// Stars sets the number of stars, which is no commit.
func (g *GitHubServer) Stars(repo string, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repos[strings.ToLower(repo)].stars = n
}

// Topics sets the topics, which is no commit.
func (g *GitHubServer) Topics(repo string, topics ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repos[strings.ToLower(repo)].topics = topics
}

// Created sets when the repository was made.
func (g *GitHubServer) Created(repo string, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repos[strings.ToLower(repo)].created = at.UTC()
}

// Release makes tag the latest release.
func (g *GitHubServer) Release(repo, tag string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repos[strings.ToLower(repo)].release = tag
}

// Private makes the repository one whose archives are only to be had through
// the API.
func (g *GitHubServer) Private(repo string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repos[strings.ToLower(repo)].private = true
}

// Delete makes the repository answer with status, such as 404 or 451; 0 brings
// it back.
func (g *GitHubServer) Delete(repo string, status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repos[strings.ToLower(repo)].gone = status
}

// Rename gives the repository another name; the old one redirects.
func (g *GitHubServer) Rename(from, to string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.repos[strings.ToLower(from)]
	delete(g.repos, strings.ToLower(from))
	r.name = to
	r.history[r.commit()] = r.files // whose id has the name in it
	g.repos[strings.ToLower(to)] = r
	g.renamed[strings.ToLower(from)] = strings.ToLower(to)
}

// Replace lets another repository, with another id, take the name.
func (g *GitHubServer) Replace(repo string) {
	g.change(repo, func(r *gitHubRepo) { r.id++ })
}

// RequireToken refuses every request without this token.
func (g *GitHubServer) RequireToken(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.token = token
}

// SetHost changes the host of the repositories' web pages from github.com, as
// on a GitHub Enterprise server.
func (g *GitHubServer) SetHost(host string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.host = host
}

// Fault adds a fault; the first that matches is used.
func (g *GitHubServer) Fault(f GitHubFault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, &f)
}

// ClearFaults ends all faults.
func (g *GitHubServer) ClearFaults() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = nil
}

// Requests gives what was asked since the last call.
func (g *GitHubServer) Requests() []GitHubRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	log := g.log
	g.log = nil
	return log
}

func (g *GitHubServer) change(repo string, f func(*gitHubRepo)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := strings.ToLower(repo)
	r := g.repos[key]
	if r == nil {
		h := fnv.New32a()
		_, _ = io.WriteString(h, key)
		r = &gitHubRepo{
			id: int64(h.Sum32()) + 1, name: repo, files: map[string]string{}, topics: []string{"test"},
			history: map[string]map[string]string{}, refs: map[string]string{},
			created: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(h.Sum32()%(300*24*3600)) * time.Second),
		}
		g.repos[key] = r
	}
	r.files = maps.Clone(r.files)
	f(r)
	r.version++
	if len(r.files) > 0 {
		r.history[r.commit()] = r.files
	}
}

// Commit gives the newest commit of repo.
func (g *GitHubServer) Commit(repo string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.repos[strings.ToLower(repo)].commit()
}

// Tag names the newest commit of repo, as a branch or a tag does.
func (g *GitHubServer) Tag(repo, ref string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.repos[strings.ToLower(repo)]
	r.refs[ref] = r.commit()
}

// ServeHTTP answers one request and logs it.
func (g *GitHubServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := strings.TrimPrefix(req.URL.Path, "/api/v3")
	if f := g.fault(path); f != nil {
		if f.Hook != nil {
			f.Hook()
		}
		if f.Drop {
			g.record(req, path, 0)
			panic(http.ErrAbortHandler)
		}
		if f.Status != 0 {
			for k, v := range f.Header {
				w.Header().Set(k, v)
			}
			g.record(req, path, f.Status)
			w.WriteHeader(f.Status)
			_, _ = io.WriteString(w, cmp.Or(f.Body, `{"message":"a fault"}`))
			return
		}
	}
	status, header, body := g.limited(req, path, g.answer)
	if etag := header.Get("ETag"); status == http.StatusOK && etag != "" && req.Header.Get("If-None-Match") == etag {
		status, body = http.StatusNotModified, nil
	}
	g.record(req, path, status)
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (g *GitHubServer) fault(path string) *GitHubFault {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, f := range g.faults {
		if !regexp.MustCompile(f.Path).MatchString(path) {
			continue
		}
		if f.Times--; f.Times == 0 {
			g.faults = slices.Delete(g.faults, i, i+1)
		}
		return f
	}
	return nil
}

func (g *GitHubServer) record(req *http.Request, path string, status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log = append(g.log, GitHubRequest{
		Path: path, Query: req.URL.Query().Get("q"), Status: status, Conditional: req.Header.Get("If-None-Match") != "", Download: strings.HasPrefix(path, "/codeload/"),
	})
}

func (g *GitHubServer) answer(req *http.Request, path string) (int, http.Header, []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	parts := strings.Split(strings.Trim(path, "/"), "/")
	download := parts[0] == "codeload"
	switch {
	case path == "/login/oauth/authorize" && req.Method == http.MethodGet:
		return g.authorize(req)
	case path == "/login/oauth/access_token" && req.Method == http.MethodPost:
		return g.exchange(req)
	case path == "/user":
		return g.user(req)
	case g.token != "" && !download && req.Header.Get("Authorization") != "Bearer "+g.token:
		return message(http.StatusUnauthorized, "Bad credentials")
	case path == "/rate_limit":
		return jsonAnswer(map[string]any{"resources": g.standings()})
	case path == "/search/code":
		return g.searchCode(req)
	case path == "/search/repositories":
		return g.searchRepositories(req)
	case parts[0] == "repositories" && len(parts) >= 2:
		for key, r := range g.repos {
			if strconv.FormatInt(r.id, 10) == parts[1] {
				return g.repository(r, key, parts[2:])
			}
		}
	case (parts[0] == "repos" || download) && len(parts) >= 3:
		key := strings.ToLower(parts[1] + "/" + parts[2])
		if download {
			return g.download(req, g.repos[key], parts[3:])
		}
		if r := g.repos[g.renamed[key]]; r != nil && g.repos[key] == nil {
			to := fmt.Sprintf("%srepositories/%d/%s", g.URL, r.id, strings.Join(parts[3:], "/"))
			return http.StatusMovedPermanently, http.Header{"Location": {strings.TrimSuffix(to, "/")}}, nil
		}
		if r := g.repos[key]; r != nil {
			return g.repository(r, key, parts[3:])
		}
	}
	return message(http.StatusNotFound, "Not Found")
}

// archiveToken opens a private archive for who was led to it.
const archiveToken = "archive"

// download answers for the host of the archives: [format] and a branch, tag or
// commit.
func (g *GitHubServer) download(req *http.Request, r *gitHubRepo, rest []string) (int, http.Header, []byte) {
	if len(rest) > 1 && strings.HasSuffix(rest[0], "tar.gz") {
		rest = rest[1:]
	}
	if r == nil || r.gone != 0 || r.private && req.URL.Query().Get("token") != archiveToken {
		return message(http.StatusNotFound, "Not Found")
	}
	commit := strings.Join(rest, "/")
	switch {
	case commit == "HEAD" || commit == "main":
		commit = r.commit()
	case r.refs[commit] != "":
		commit = r.refs[commit]
	}
	files := r.history[commit]
	if files == nil {
		return message(http.StatusNotFound, "Not Found")
	}
	return http.StatusOK, http.Header{"Content-Type": {"application/x-gzip"}, "Etag": {`W/"` + commit + `"`}}, archive(r.name, commit, files)
}

func (g *GitHubServer) repository(r *gitHubRepo, key string, rest []string) (int, http.Header, []byte) {
	if r.gone != 0 {
		return message(r.gone, http.StatusText(r.gone))
	}
	switch route := strings.Join(rest, "/"); {
	case route == "":
		return jsonAnswer(g.object(r))
	case route == "releases/latest" && r.release != "":
		return jsonAnswer(map[string]any{"tag_name": r.release, "published_at": r.pushed()})
	case len(r.files) == 0:
		return message(http.StatusConflict, "Git Repository is empty.")
	case slices.Contains([]string{"commits/HEAD", "commits/main", "commits/" + r.commit()}, route):
		sha := r.commit()
		return http.StatusOK, http.Header{"Etag": {`"` + sha + `"`}}, []byte(sha)
	case strings.HasPrefix(route, "contents/"):
		if text, ok := r.files[strings.TrimPrefix(route, "contents/")]; ok {
			return jsonAnswer(map[string]any{"type": "file", "size": len(text), "content": text})
		}
	case strings.HasPrefix(route, "tarball/"):
		to := g.URL + "codeload/" + key + "/" + rest[1]
		if r.private {
			to += "?token=" + archiveToken
		}
		return http.StatusFound, http.Header{"Location": {to}}, nil
	}
	return message(http.StatusNotFound, "Not Found")
}

// object is the repository as the API and its search show it.
func (g *GitHubServer) object(r *gitHubRepo) map[string]any {
	owner, _, _ := strings.Cut(r.name, "/")
	return map[string]any{
		"id": r.id, "full_name": r.name, "html_url": "https://" + g.host + "/" + r.name, "owner": map[string]any{"login": owner, "id": 7},
		"description": "Made for a test.", "default_branch": "main", "stargazers_count": r.stars, "license": map[string]any{"spdx_id": "MIT"},
		"pushed_at": r.pushed(), "created_at": r.created, "topics": r.topics, "private": r.private,
	}
}

func (r *gitHubRepo) pushed() time.Time { return time.Date(2026, 1, 1, 0, 0, r.version, 0, time.UTC) }

func message(status int, text string) (int, http.Header, []byte) {
	return status, http.Header{}, fmt.Appendf(nil, `{"message":%q}`, text)
}

func jsonAnswer(v any) (int, http.Header, []byte) {
	b, _ := json.Marshal(v)
	sum := sha1.Sum(b)
	return http.StatusOK, http.Header{"Etag": {`W/"` + hex.EncodeToString(sum[:]) + `"`}, "Content-Type": {"application/json"}}, b
}

// commit gives an id that no other state of any repository has.
func (r *gitHubRepo) commit() string {
	sum := sha1.Sum(fmt.Appendf(nil, "%s %d %d", r.name, r.id, r.version))
	return hex.EncodeToString(sum[:])
}

func archive(name, commit string, files map[string]string) []byte {
	var b strings.Builder
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	_ = tw.WriteHeader(&tar.Header{Name: "pax_global_header", Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": commit}})
	top := strings.ReplaceAll(name, "/", "-") + "-" + commit[:7] + "/"
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &tar.Header{Name: top + name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}
		if path, target, ok := strings.Cut(name, " -> "); ok {
			h = &tar.Header{Name: top + path, Linkname: target, Mode: 0o777, Typeflag: tar.TypeSymlink}
		}
		_ = tw.WriteHeader(h)
		if h.Typeflag == tar.TypeReg {
			_, _ = io.WriteString(tw, files[name])
		}
	}
	_ = tw.Close()
	_ = zw.Close()
	return []byte(b.String())
}
