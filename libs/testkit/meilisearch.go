package testkit

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/meilisearch/meilisearch-go"
)

// MeilisearchServer is a search engine of one test: the server named by
// TEST_MEILISEARCH_URL, or else a stand-in that speaks its protocol as the
// public API documentation has it. Writes are tasks, applied one after another
// in their order, some time after they were accepted.
type MeilisearchServer struct {
	URL string
	Key string

	standIn *meiliStandIn // nil for the real one
}

// Meilisearch gives the test a search engine without any index.
func Meilisearch(t testing.TB) *MeilisearchServer {
	t.Helper()
	if url := os.Getenv("TEST_MEILISEARCH_URL"); url != "" {
		s := &MeilisearchServer{URL: url, Key: os.Getenv("TEST_MEILISEARCH_API_KEY")}
		s.empty(t)
		return s
	}
	s := newMeiliStandIn()
	web := httptest.NewServer(s)
	t.Cleanup(func() { web.Close(); s.stop() })
	return &MeilisearchServer{URL: web.URL, Key: s.key, standIn: s}
}

// empty deletes every index of a real server. Tests that use one must not run
// side by side.
func (s *MeilisearchServer) empty(t testing.TB) {
	t.Helper()
	c := meilisearch.New(s.URL, meilisearch.WithAPIKey(s.Key))
	all, err := c.ListIndexesWithContext(t.Context(), &meilisearch.IndexesQuery{Limit: 1000})
	if err != nil {
		t.Fatalf("TEST_MEILISEARCH_URL: %v", err)
	}
	for _, index := range all.Results {
		task, err := c.DeleteIndexWithContext(t.Context(), index.UID)
		if err == nil {
			_, err = c.WaitForTaskWithContext(t.Context(), task.TaskUID, 0)
		}
		if err != nil {
			t.Fatalf("empty Meilisearch: %v", err)
		}
	}
}

// Controlled says whether the test can hold and fail tasks, which only the
// stand-in can.
func (s *MeilisearchServer) Controlled() bool { return s.standIn != nil }

// Hold stops the processing of tasks until release is called.
func (s *MeilisearchServer) Hold() (release func()) {
	s.standIn.hold.Lock()
	return sync.OnceFunc(s.standIn.hold.Unlock)
}

// FailNext makes the next n tasks of type typ fail with the error code, as for
// example "internal" or "no_space_left_on_device".
func (s *MeilisearchServer) FailNext(n int, typ, code string) {
	s.standIn.mu.Lock()
	defer s.standIn.mu.Unlock()
	for range n {
		s.standIn.failures = append(s.standIn.failures, meiliFailure{typ, code})
	}
}

// SetDown makes every request fail with 503, or ends that.
func (s *MeilisearchServer) SetDown(down bool) {
	s.standIn.mu.Lock()
	defer s.standIn.mu.Unlock()
	s.standIn.down = down
}

// Tasks counts the accepted tasks of type typ.
func (s *MeilisearchServer) Tasks(typ string) int {
	s.standIn.mu.Lock()
	defer s.standIn.mu.Unlock()
	n := 0
	for _, task := range s.standIn.tasks {
		if task.Type == typ {
			n++
		}
	}
	return n
}

// DropIndex loses an index at once, as a lost disk does.
func (s *MeilisearchServer) DropIndex(uid string) {
	s.standIn.mu.Lock()
	defer s.standIn.mu.Unlock()
	delete(s.standIn.indexes, uid)
}

// Indexes gives the uids of all indexes, sorted.
func (s *MeilisearchServer) Indexes(t testing.TB) []string {
	t.Helper()
	all, err := meilisearch.New(s.URL, meilisearch.WithAPIKey(s.Key), meilisearch.DisableRetries()).ListIndexesWithContext(t.Context(), &meilisearch.IndexesQuery{Limit: 100})
	if err != nil {
		t.Logf("list indexes: %v", err)
		return nil
	}
	var uids []string
	for _, index := range all.Results {
		uids = append(uids, index.UID)
	}
	slices.Sort(uids)
	return uids
}

// Documents gives the index's documents by id; none if there is no index.
func (s *MeilisearchServer) Documents(t testing.TB, index string) map[string]map[string]any {
	t.Helper()
	docs := map[string]map[string]any{}
	if s.standIn != nil {
		s.standIn.mu.Lock()
		defer s.standIn.mu.Unlock()
		if i, ok := s.standIn.indexes[index]; ok {
			for id, d := range i.docs {
				docs[id] = i.object(d, nil)
			}
		}
		return docs
	}
	c := meilisearch.New(s.URL, meilisearch.WithAPIKey(s.Key))
	var page meilisearch.DocumentsResult
	if err := c.Index(index).GetDocumentsWithContext(t.Context(), &meilisearch.DocumentsQuery{Limit: 10_000}, &page); err != nil {
		return docs
	}
	for _, hit := range page.Results {
		var d map[string]any
		if err := hit.DecodeInto(&d); err != nil {
			t.Fatalf("decode document: %v", err)
		}
		docs[fmt.Sprint(d["id"])] = d
	}
	return docs
}

// meiliStandIn is the stand-in's state. Its files: this one answers requests,
// meilisearch_task.go applies tasks, meilisearch_index.go keeps documents,
// meilisearch_words.go their words, meilisearch_filter.go filters them,
// meilisearch_search.go searches and meilisearch_multi.go several indexes at once,
// meilisearch_journal.go is the stand-in as a program of its own.
type meiliStandIn struct {
	key string
	mux *http.ServeMux

	hold sync.Mutex // held while no task may be processed

	mu       sync.RWMutex
	down     bool
	indexes  map[string]*meiliIndex
	tasks    []*meiliTask
	failures []meiliFailure
	queue    chan *meiliTask
	stopped  chan struct{}
}

type meiliFailure struct{ typ, code string }

func newMeiliStandIn() *meiliStandIn {
	s := &meiliStandIn{
		key: "stand-in-master-key", mux: http.NewServeMux(), indexes: map[string]*meiliIndex{},
		queue: make(chan *meiliTask, 100_000), stopped: make(chan struct{}),
	}
	for pattern, h := range map[string]meiliHandler{
		"GET /version":                               s.reads(s.version),
		"POST /indexes":                              s.writes(s.createIndex),
		"GET /indexes":                               s.reads(s.listIndexes),
		"GET /indexes/{uid}":                         s.reads(s.getIndex),
		"DELETE /indexes/{uid}":                      s.writes(s.deleteIndex),
		"POST /swap-indexes":                         s.writes(s.swapIndexes),
		"GET /indexes/{uid}/settings":                s.reads(s.getSettings),
		"PATCH /indexes/{uid}/settings":              s.writes(s.patchSettings),
		"GET /indexes/{uid}/stats":                   s.reads(s.stats),
		"POST /indexes/{uid}/documents":              s.addDocuments(false),
		"PUT /indexes/{uid}/documents":               s.addDocuments(true),
		"DELETE /indexes/{uid}/documents":            s.writes(s.deleteAll),
		"GET /indexes/{uid}/documents":               s.reads(s.listDocuments),
		"POST /indexes/{uid}/documents/fetch":        s.reads(s.fetchDocuments),
		"POST /indexes/{uid}/documents/delete-batch": s.writes(s.deleteDocuments),
		"GET /indexes/{uid}/documents/{id}":          s.reads(s.getDocument),
		"DELETE /indexes/{uid}/documents/{id}":       s.writes(s.deleteDocument),
		"POST /indexes/{uid}/search":                 s.reads(s.search),
		"POST /multi-search":                         s.reads(s.multiSearch),
		"GET /tasks":                                 s.reads(s.listTasks),
		"GET /tasks/{task}":                          s.reads(s.getTask),
		"POST /tasks/cancel":                         s.writes(s.cancelTasks),
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			status, answer := s.authorized(r, h)
			meiliAnswer(w, status, answer)
		})
	}
	s.mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		meiliAnswer(w, http.StatusOK, map[string]string{"status": "available"})
	})
	go s.work()
	return s
}

func (s *meiliStandIn) stop() {
	close(s.queue)
	<-s.stopped
}

// ServeHTTP answers one request.
func (s *meiliStandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.RLock()
	down := s.down
	s.mu.RUnlock()
	if down {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func meiliAnswer(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if answer != nil {
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// meiliHandler answers a request with a status and what becomes JSON.
type meiliHandler func(*http.Request) (int, any)

// authorized checks the key.
func (s *meiliStandIn) authorized(r *http.Request, h meiliHandler) (int, any) {
	auth := r.Header.Get("Authorization")
	if auth == "" {
		return meiliError("missing_authorization_header", "The Authorization header is missing. It must use the bearer authorization method.")
	}
	if auth != "Bearer "+s.key {
		return meiliError("invalid_api_key", "The provided API key is invalid.")
	}
	return h(r)
}

// reads lets requests see the state side by side.
func (s *meiliStandIn) reads(h meiliHandler) meiliHandler { return under(s.mu.RLocker(), h) }

// writes lets one request at a time see and change the state.
func (s *meiliStandIn) writes(h meiliHandler) meiliHandler { return under(&s.mu, h) }

func under(l sync.Locker, h meiliHandler) meiliHandler {
	return func(r *http.Request) (int, any) {
		l.Lock()
		defer l.Unlock()
		status, answer := h(r)
		b, err := json.Marshal(answer) // before a task can change it
		if err != nil {
			return meiliError("internal", "%v", err)
		}
		return status, json.RawMessage(b)
	}
}

// meiliProblem is an error as the API and its tasks show it.
type meiliProblem struct {
	Message string `json:"message"`
	Code    string `json:"code"`
	Type    string `json:"type"`
	Link    string `json:"link"`
}

// meiliCodes gives each error code its status and type.
var meiliCodes = map[string]struct {
	status int
	typ    string
}{
	"missing_authorization_header":                {http.StatusUnauthorized, "auth"},
	"invalid_api_key":                             {http.StatusForbidden, "auth"},
	"index_not_found":                             {http.StatusNotFound, "invalid_request"},
	"index_already_exists":                        {http.StatusConflict, "invalid_request"},
	"invalid_index_uid":                           {http.StatusBadRequest, "invalid_request"},
	"document_not_found":                          {http.StatusNotFound, "invalid_request"},
	"missing_document_id":                         {http.StatusBadRequest, "invalid_request"},
	"invalid_document_id":                         {http.StatusBadRequest, "invalid_request"},
	"task_not_found":                              {http.StatusNotFound, "invalid_request"},
	"malformed_payload":                           {http.StatusBadRequest, "invalid_request"},
	"bad_request":                                 {http.StatusBadRequest, "invalid_request"},
	"invalid_content_type":                        {http.StatusUnsupportedMediaType, "invalid_request"},
	"invalid_search_filter":                       {http.StatusBadRequest, "invalid_request"},
	"invalid_search_sort":                         {http.StatusBadRequest, "invalid_request"},
	"invalid_search_facets":                       {http.StatusBadRequest, "invalid_request"},
	"invalid_search_limit":                        {http.StatusBadRequest, "invalid_request"},
	"invalid_search_matching_strategy":            {http.StatusBadRequest, "invalid_request"},
	"invalid_multi_search_query_pagination":       {http.StatusBadRequest, "invalid_request"},
	"invalid_multi_search_query_facets":           {http.StatusBadRequest, "invalid_request"},
	"invalid_document_filter":                     {http.StatusBadRequest, "invalid_request"},
	"invalid_document_limit":                      {http.StatusBadRequest, "invalid_request"},
	"invalid_document_offset":                     {http.StatusBadRequest, "invalid_request"},
	"invalid_settings_ranking_rules":              {http.StatusBadRequest, "invalid_request"},
	"invalid_settings_typo_tolerance":             {http.StatusBadRequest, "invalid_request"},
	"invalid_swap_indexes":                        {http.StatusBadRequest, "invalid_request"},
	"invalid_swap_duplicate_index_found":          {http.StatusBadRequest, "invalid_request"},
	"invalid_task_statuses":                       {http.StatusBadRequest, "invalid_request"},
	"missing_task_filters":                        {http.StatusBadRequest, "invalid_request"},
	"index_primary_key_already_exists":            {http.StatusBadRequest, "invalid_request"},
	"index_primary_key_no_candidate_found":        {http.StatusBadRequest, "invalid_request"},
	"index_primary_key_multiple_candidates_found": {http.StatusBadRequest, "invalid_request"},
	"payload_too_large":                           {http.StatusRequestEntityTooLarge, "invalid_request"},
	"missing_payload":                             {http.StatusBadRequest, "invalid_request"},
	"no_space_left_on_device":                     {http.StatusUnprocessableEntity, "system"},
	"internal":                                    {http.StatusInternalServerError, "internal"},
}

func newMeiliProblem(code, format string, args ...any) *meiliProblem {
	return &meiliProblem{
		Message: fmt.Sprintf(format, args...), Code: code, Type: meiliCodes[code].typ,
		Link: "https://docs.meilisearch.com/errors#" + code,
	}
}

func meiliError(code, format string, args ...any) (int, any) {
	return meiliCodes[code].status, newMeiliProblem(code, format, args...)
}

// meiliPayload is the engine's own bound of a request.
const meiliPayload = 100 << 20

func meiliBody(r *http.Request, into any) (int, any) {
	if ct := r.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		return meiliError("invalid_content_type", "The Content-Type `%s` is invalid. Accepted values for the Content-Type header are: `application/json`", ct)
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, meiliPayload+1))
	switch {
	case len(b) > meiliPayload:
		return meiliError("payload_too_large", "The provided payload reached the size limit. The maximum accepted payload size is 100 MB.")
	case err == nil && len(b) == 0:
		return meiliError("missing_payload", "A json payload is missing.")
	case err == nil:
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return meiliError("malformed_payload", "The json payload provided is malformed. `%v`.", err)
	}
	return 0, nil
}

func (s *meiliStandIn) index(r *http.Request) (*meiliIndex, int, any) {
	i, ok := s.indexes[r.PathValue("uid")]
	if !ok {
		status, problem := meiliError("index_not_found", "Index `%s` not found.", r.PathValue("uid"))
		return nil, status, problem
	}
	return i, 0, nil
}

func (s *meiliStandIn) version(*http.Request) (int, any) {
	return http.StatusOK, map[string]string{"commitSha": "unknown", "commitDate": "unknown", "pkgVersion": "1.20.0"}
}

func (s *meiliStandIn) listIndexes(r *http.Request) (int, any) {
	results := []map[string]any{}
	for _, uid := range slices.Sorted(maps.Keys(s.indexes)) {
		results = append(results, describeIndex(uid, s.indexes[uid]))
	}
	offset, limit := 0, 20
	_, _ = fmt.Sscan(r.URL.Query().Get("offset"), &offset)
	_, _ = fmt.Sscan(r.URL.Query().Get("limit"), &limit)
	return http.StatusOK, map[string]any{"results": window(results, offset, limit), "offset": offset, "limit": limit, "total": len(results)}
}

func (s *meiliStandIn) getIndex(r *http.Request) (int, any) {
	i, status, problem := s.index(r)
	if i == nil {
		return status, problem
	}
	return http.StatusOK, describeIndex(r.PathValue("uid"), i)
}

func describeIndex(uid string, i *meiliIndex) map[string]any {
	at := "2026-01-01T00:00:00Z"
	return map[string]any{"uid": uid, "primaryKey": i.primaryKey, "createdAt": at, "updatedAt": at}
}

func (s *meiliStandIn) getSettings(r *http.Request) (int, any) {
	i, status, problem := s.index(r)
	if i == nil {
		return status, problem
	}
	return http.StatusOK, i.settings
}

func (s *meiliStandIn) stats(r *http.Request) (int, any) {
	i, status, problem := s.index(r)
	if i == nil {
		return status, problem
	}
	return http.StatusOK, map[string]any{"numberOfDocuments": len(i.docs), "isIndexing": false, "fieldDistribution": map[string]int{}}
}

func (s *meiliStandIn) getDocument(r *http.Request) (int, any) {
	i, status, problem := s.index(r)
	if i == nil {
		return status, problem
	}
	d, ok := i.docs[r.PathValue("id")]
	if !ok {
		return meiliError("document_not_found", "Document `%s` not found.", r.PathValue("id"))
	}
	return http.StatusOK, i.object(d, nil)
}

func (s *meiliStandIn) listDocuments(r *http.Request) (int, any) {
	q := r.URL.Query()
	f := meiliFetch{Limit: 20}
	for name, into := range map[string]*int{"limit": &f.Limit, "offset": &f.Offset} {
		if text := q.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				return meiliError("invalid_document_"+name, "Invalid value in parameter `%s`: could not parse `%s` as a positive integer", name, text)
			}
			*into = n
		}
	}
	if fields := q.Get("fields"); fields != "" {
		f.Fields = strings.Split(fields, ",")
	}
	return s.fetch(r, f)
}

type meiliFetch struct {
	Offset int      `json:"offset"`
	Limit  int      `json:"limit"`
	Fields []string `json:"fields"`
	IDs    []string `json:"ids"`
	Filter any      `json:"filter"`
}

func (s *meiliStandIn) fetchDocuments(r *http.Request) (int, any) {
	f := meiliFetch{Limit: 20}
	if status, problem := meiliBody(r, &f); problem != nil {
		return status, problem
	}
	return s.fetch(r, f)
}

func (s *meiliStandIn) fetch(r *http.Request, f meiliFetch) (int, any) {
	i, status, problem := s.index(r)
	if i == nil {
		return status, problem
	}
	keep, err := i.filter(f.Filter)
	if err != nil {
		return meiliError("invalid_document_filter", "%v", err)
	}
	docs := i.order
	if f.IDs != nil {
		docs = nil
		for _, id := range f.IDs {
			docs = append(docs, i.docs[id])
		}
	}
	var found []*meiliDoc
	for _, d := range docs {
		if d != nil && keep(d) {
			found = append(found, d)
		}
	}
	results := i.objects(window(found, f.Offset, f.Limit), f.Fields)
	return http.StatusOK, map[string]any{"results": results, "offset": f.Offset, "limit": f.Limit, "total": len(found)}
}

func window[T any](found []T, offset, limit int) []T {
	offset = min(max(offset, 0), len(found))
	return found[offset:min(offset+limit, len(found))]
}

func (s *meiliStandIn) getTask(r *http.Request) (int, any) {
	uid, err := strconv.Atoi(r.PathValue("task"))
	if err != nil || uid < 0 || uid >= len(s.tasks) {
		return meiliError("task_not_found", "Task `%s` not found.", r.PathValue("task"))
	}
	return http.StatusOK, s.tasks[uid]
}
