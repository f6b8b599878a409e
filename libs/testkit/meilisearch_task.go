package testkit

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// meiliTask is a task as GET /tasks/{uid} shows it.
type meiliTask struct {
	UID        int            `json:"uid"`
	BatchUID   *int           `json:"batchUid"`
	IndexUID   string         `json:"indexUid"`
	Status     string         `json:"status"`
	Type       string         `json:"type"`
	CanceledBy *int           `json:"canceledBy"`
	Details    map[string]any `json:"details"`
	Error      *meiliProblem  `json:"error"`
	Duration   *string        `json:"duration"`
	EnqueuedAt time.Time      `json:"enqueuedAt"`
	StartedAt  *time.Time     `json:"startedAt"`
	FinishedAt *time.Time     `json:"finishedAt"`

	apply func() *meiliProblem // called with the state locked
}

// enqueue accepts a task.
func (s *meiliStandIn) enqueue(index, typ string, details map[string]any, apply func() *meiliProblem) (int, any) {
	t := &meiliTask{
		UID: len(s.tasks), IndexUID: index, Status: "enqueued", Type: typ, Details: details,
		EnqueuedAt: time.Now().UTC(), apply: apply,
	}
	s.tasks = append(s.tasks, t)
	s.queue <- t
	return http.StatusAccepted, map[string]any{
		"taskUid": t.UID, "indexUid": index, "status": t.Status, "type": typ, "enqueuedAt": t.EnqueuedAt,
	}
}

// work applies tasks one after another, in the order they were accepted.
func (s *meiliStandIn) work() {
	defer close(s.stopped)
	for t := range s.queue {
		s.hold.Lock()
		s.mu.Lock()
		start := time.Now().UTC()
		t.Status, t.StartedAt, t.BatchUID = "processing", &start, &t.UID
		s.mu.Unlock()
		s.mu.Lock()
		s.finish(t, start)
		s.mu.Unlock()
		s.hold.Unlock()
	}
}

func (s *meiliStandIn) finish(t *meiliTask, start time.Time) {
	i := slices.IndexFunc(s.failures, func(f meiliFailure) bool { return f.typ == t.Type })
	if i >= 0 {
		code := s.failures[i].code
		s.failures = slices.Delete(s.failures, i, i+1)
		t.Error = newMeiliProblem(code, "made to fail by the test")
	} else {
		t.Error = t.apply()
	}
	t.Status = "succeeded"
	if t.Error != nil {
		t.Status = "failed"
	}
	now := time.Now().UTC()
	took := fmt.Sprintf("PT%.6fS", now.Sub(start).Seconds())
	t.FinishedAt, t.Duration = &now, &took
}

var (
	meiliUID        = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,400}$`)
	meiliDocumentID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,511}$`)
)

// open gives the index, and creates it if it is missing, as writing does.
func (s *meiliStandIn) open(uid string) *meiliIndex {
	i, ok := s.indexes[uid]
	if !ok {
		i = &meiliIndex{settings: defaultMeiliSettings(), docs: map[string]map[string]any{}}
		s.indexes[uid] = i
	}
	return i
}

func defaultMeiliSettings() map[string]any {
	return map[string]any{
		"displayedAttributes": []any{"*"}, "searchableAttributes": []any{"*"},
		"filterableAttributes": []any{}, "sortableAttributes": []any{},
		"rankingRules": []any{"words", "typo", "proximity", "attribute", "sort", "exactness"},
		"stopWords":    []any{}, "synonyms": map[string]any{}, "distinctAttribute": nil,
		"typoTolerance": map[string]any{
			"enabled": true, "minWordSizeForTypos": map[string]any{"oneTypo": 5.0, "twoTypos": 9.0},
			"disableOnWords": []any{}, "disableOnAttributes": []any{}, "disableOnNumbers": false,
		},
		"faceting":   map[string]any{"maxValuesPerFacet": 100.0, "sortFacetValuesBy": map[string]any{"*": "alpha"}},
		"pagination": map[string]any{"maxTotalHits": 1000.0},
	}
}

func (s *meiliStandIn) createIndex(r *http.Request) (int, any) {
	var body struct {
		UID        string `json:"uid"`
		PrimaryKey string `json:"primaryKey"`
	}
	if status, problem := meiliBody(r, &body); problem != nil {
		return status, problem
	}
	if !meiliUID.MatchString(body.UID) {
		return meiliError("invalid_index_uid", "`%s` is not a valid index uid.", body.UID)
	}
	return s.enqueue(body.UID, "indexCreation", map[string]any{"primaryKey": body.PrimaryKey}, func() *meiliProblem {
		if _, ok := s.indexes[body.UID]; ok {
			return newMeiliProblem("index_already_exists", "Index `%s` already exists.", body.UID)
		}
		s.open(body.UID).primaryKey = body.PrimaryKey
		return nil
	})
}

func (s *meiliStandIn) deleteIndex(r *http.Request) (int, any) {
	uid := r.PathValue("uid")
	return s.enqueue(uid, "indexDeletion", map[string]any{}, func() *meiliProblem {
		if _, ok := s.indexes[uid]; !ok {
			return newMeiliProblem("index_not_found", "Index `%s` not found.", uid)
		}
		delete(s.indexes, uid)
		return nil
	})
}

func (s *meiliStandIn) swapIndexes(r *http.Request) (int, any) {
	var body []struct {
		Indexes []string `json:"indexes"`
	}
	if status, problem := meiliBody(r, &body); problem != nil {
		return status, problem
	}
	return s.enqueue("", "indexSwap", map[string]any{"swaps": body}, func() *meiliProblem {
		for _, pair := range body {
			for _, uid := range pair.Indexes {
				if _, ok := s.indexes[uid]; !ok {
					return newMeiliProblem("index_not_found", "Index `%s` not found.", uid)
				}
			}
		}
		for _, pair := range body {
			a, b := pair.Indexes[0], pair.Indexes[1]
			s.indexes[a], s.indexes[b] = s.indexes[b], s.indexes[a]
		}
		return nil
	})
}

func (s *meiliStandIn) patchSettings(r *http.Request) (int, any) {
	uid := r.PathValue("uid")
	var changes map[string]any
	if status, problem := meiliBody(r, &changes); problem != nil {
		return status, problem
	}
	defaults := defaultMeiliSettings()
	for name := range changes {
		if _, ok := defaults[name]; !ok {
			return meiliError("bad_request", "Unknown field `%s`", name)
		}
	}
	return s.enqueue(uid, "settingsUpdate", changes, func() *meiliProblem {
		i := s.open(uid)
		for name, v := range changes {
			i.settings[name] = mergeSetting(i.settings[name], defaults[name], v)
		}
		return nil
	})
}

// mergeSetting sets what is given, resets what is null, and keeps the members
// of an object that are not named.
func mergeSetting(old, standard, v any) any {
	if v == nil {
		return standard
	}
	given, ok1 := v.(map[string]any)
	had, ok2 := old.(map[string]any)
	if !ok1 || !ok2 {
		return v
	}
	merged := maps.Clone(had)
	for name, member := range given {
		var s any
		if m, ok := standard.(map[string]any); ok {
			s = m[name]
		}
		merged[name] = mergeSetting(merged[name], s, member)
	}
	return merged
}

// addDocuments replaces documents (POST) or merges their fields (PUT).
func (s *meiliStandIn) addDocuments(partial bool) func(*http.Request) (int, any) {
	return func(r *http.Request) (int, any) {
		uid, key := r.PathValue("uid"), r.URL.Query().Get("primaryKey")
		var raw json.RawMessage
		if status, problem := meiliBody(r, &raw); problem != nil {
			return status, problem
		}
		var docs []map[string]any
		if json.Unmarshal(raw, &docs) != nil {
			docs = make([]map[string]any, 1)
			if err := json.Unmarshal(raw, &docs[0]); err != nil {
				return meiliError("malformed_payload", "The json payload provided is malformed. `%v`.", err)
			}
		}
		details := map[string]any{"receivedDocuments": len(docs), "indexedDocuments": nil}
		return s.enqueue(uid, "documentAdditionOrUpdate", details, func() *meiliProblem {
			problem := s.open(uid).add(key, docs, partial)
			details["indexedDocuments"] = len(docs)
			if problem != nil {
				details["indexedDocuments"] = 0
			}
			return problem
		})
	}
}

// add applies all documents or none.
func (i *meiliIndex) add(key string, docs []map[string]any, partial bool) *meiliProblem {
	if i.primaryKey == "" {
		i.primaryKey = key
	}
	if i.primaryKey == "" {
		i.primaryKey = "id"
	}
	ids := make([]string, len(docs))
	for n, d := range docs {
		v, ok := d[i.primaryKey]
		if !ok {
			return newMeiliProblem("missing_document_id", "Document doesn't have a `%s` attribute.", i.primaryKey)
		}
		ids[n] = meiliString(v)
		if !meiliDocumentID.MatchString(ids[n]) {
			return newMeiliProblem("invalid_document_id", "Document identifier `%q` is invalid.", ids[n])
		}
	}
	for n, d := range docs {
		old, known := i.docs[ids[n]]
		if !known {
			i.order = append(i.order, ids[n])
		}
		if partial && known {
			merged := maps.Clone(old)
			maps.Copy(merged, d)
			d = merged
		}
		i.docs[ids[n]] = d
	}
	return nil
}

func (i *meiliIndex) remove(ids ...string) (removed int) {
	for _, id := range ids {
		if _, ok := i.docs[id]; ok {
			removed++
			delete(i.docs, id)
			i.order = slices.DeleteFunc(i.order, func(s string) bool { return s == id })
		}
	}
	return removed
}

func (s *meiliStandIn) deleteDocuments(r *http.Request) (int, any) {
	var ids []any
	if status, problem := meiliBody(r, &ids); problem != nil {
		return status, problem
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = meiliString(id)
	}
	return s.deletion(r, func(*meiliIndex) []string { return names }, len(ids))
}

func (s *meiliStandIn) deleteDocument(r *http.Request) (int, any) {
	return s.deletion(r, func(*meiliIndex) []string { return []string{r.PathValue("id")} }, 1)
}

func (s *meiliStandIn) deleteAll(r *http.Request) (int, any) {
	return s.deletion(r, func(i *meiliIndex) []string { return slices.Clone(i.order) }, 0)
}

func (s *meiliStandIn) deletion(r *http.Request, which func(*meiliIndex) []string, provided int) (int, any) {
	uid := r.PathValue("uid")
	details := map[string]any{"providedIds": provided, "deletedDocuments": nil, "originalFilter": nil}
	return s.enqueue(uid, "documentDeletion", details, func() *meiliProblem {
		i, ok := s.indexes[uid]
		if !ok {
			return newMeiliProblem("index_not_found", "Index `%s` not found.", uid)
		}
		details["deletedDocuments"] = i.remove(which(i)...)
		return nil
	})
}

// meiliString writes a document id or a filter's value as the engine compares
// it.
func meiliString(v any) string {
	switch v := v.(type) {
	case float64:
		return fmt.Sprintf("%v", int64(v))
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}
