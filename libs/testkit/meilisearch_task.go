package testkit

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// meiliTask is a task as GET /tasks/{uid} shows it.
type meiliTask struct {
	UID        int            `json:"uid"`
	BatchUID   *int           `json:"batchUid"`
	IndexUID   *string        `json:"indexUid"` // null of a task that is about several
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
	uid := &index
	if index == "" {
		uid = nil
	}
	t := &meiliTask{
		UID: len(s.tasks), IndexUID: uid, Status: "enqueued", Type: typ, Details: details,
		EnqueuedAt: time.Now().UTC(), apply: apply,
	}
	s.tasks = append(s.tasks, t)
	s.queue <- t
	return http.StatusAccepted, map[string]any{
		"taskUid": t.UID, "indexUid": uid, "status": t.Status, "type": typ, "enqueuedAt": t.EnqueuedAt,
	}
}

// work applies tasks one after another, in the order they were accepted.
func (s *meiliStandIn) work() {
	defer close(s.stopped)
	for t := range s.queue {
		s.hold.Lock()
		s.mu.Lock()
		start := time.Now().UTC()
		if t.Status == "enqueued" {
			t.Status, t.StartedAt, t.BatchUID = "processing", &start, &t.UID
		}
		s.mu.Unlock()
		s.mu.Lock()
		s.finish(t, start)
		s.mu.Unlock()
		s.hold.Unlock()
	}
}

func (s *meiliStandIn) finish(t *meiliTask, start time.Time) {
	if t.Status == "canceled" {
		return
	}
	i := slices.IndexFunc(s.failures, func(f meiliFailure) bool { return f.typ == t.Type })
	if i >= 0 {
		code := s.failures[i].code
		s.failures = slices.Delete(s.failures, i, i+1)
		t.Error = newMeiliProblem(code, "made to fail by the test")
	} else {
		t.Error = t.apply()
	}
	t.apply = nil // it holds documents
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
		i = newMeiliIndex()
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
	seen := map[string]bool{}
	for _, pair := range body {
		if len(pair.Indexes) != 2 {
			return meiliError("invalid_swap_indexes", "Two indexes must be given for each swap. The list `%v` contains %d indexes.", pair.Indexes, len(pair.Indexes))
		}
		for _, uid := range pair.Indexes {
			if seen[uid] {
				return meiliError("invalid_swap_duplicate_index_found", "Indexes must be declared only once during a swap. `%s` was specified several times.", uid)
			}
			seen[uid] = true
		}
	}
	return s.enqueue("", "indexSwap", map[string]any{"swaps": body}, func() *meiliProblem {
		for uid := range seen {
			if _, ok := s.indexes[uid]; !ok {
				return newMeiliProblem("index_not_found", "Index `%s` not found.", uid)
			}
		}
		for _, pair := range body {
			s.swap(pair.Indexes[0], pair.Indexes[1])
		}
		return nil
	})
}

// swap exchanges two indexes, and their names in the history of tasks. Tasks
// that wait keep theirs.
func (s *meiliStandIn) swap(a, b string) {
	s.indexes[a], s.indexes[b] = s.indexes[b], s.indexes[a]
	for _, t := range s.tasks {
		switch {
		case t.IndexUID == nil || t.Status == "enqueued" || t.Status == "processing":
		case *t.IndexUID == a:
			t.IndexUID = &b
		case *t.IndexUID == b:
			t.IndexUID = &a
		}
	}
}

var meiliRules = regexp.MustCompile(`^(words|typo|proximity|attribute|sort|exactness|attributeRank|wordPosition|[A-Za-z0-9_.-]+:(asc|desc))$`)

// badSetting gives the error of a setting that no index may have.
func badSetting(changes map[string]any) (int, any) {
	for _, rule := range settingList(changes["rankingRules"]) {
		if !meiliRules.MatchString(rule) {
			return meiliError("invalid_settings_ranking_rules", "Invalid value at `.rankingRules`: `%s` ranking rule is invalid.", rule)
		}
	}
	typo, _ := changes["typoTolerance"].(map[string]any)
	sizes, _ := typo["minWordSizeForTypos"].(map[string]any)
	one, ok1 := sizes["oneTypo"].(float64)
	two, ok2 := sizes["twoTypos"].(float64)
	if ok1 && ok2 && one > two {
		return meiliError("invalid_settings_typo_tolerance", "`minWordSizeForTypos` setting is invalid. `oneTypo` and `twoTypos` fields should be between `0` and `255`, and `twoTypos` should be greater or equals to `oneTypo` but found `oneTypo: %v` and twoTypos: %v`.", one, two)
	}
	return 0, nil
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
	if status, problem := badSetting(changes); problem != nil {
		return status, problem
	}
	return s.enqueue(uid, "settingsUpdate", changes, func() *meiliProblem {
		i := s.open(uid)
		for name, v := range changes {
			i.settings[name] = mergeSetting(i.settings[name], defaults[name], v)
		}
		i.renumber()
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
		docs, err := decodeDocuments(raw)
		if err != nil {
			return meiliError("malformed_payload", "The json payload provided is malformed. `%v`.", err)
		}
		details := map[string]any{"receivedDocuments": len(docs), "indexedDocuments": nil}
		apply := func() *meiliProblem {
			problem := s.open(uid).add(key, docs, partial)
			details["indexedDocuments"] = len(docs)
			if problem != nil {
				details["indexedDocuments"] = 0
			}
			return problem
		}
		return s.writes(func(*http.Request) (int, any) {
			return s.enqueue(uid, "documentAdditionOrUpdate", details, apply)
		})(r)
	}
}

// add applies all documents or none.
func (i *meiliIndex) add(key string, docs []map[string]any, partial bool) *meiliProblem {
	if key != "" && i.primaryKey != "" && key != i.primaryKey {
		return newMeiliProblem("index_primary_key_already_exists", "Index already has a primary key: `%s`.", i.primaryKey)
	}
	if i.primaryKey == "" && key == "" && len(docs) > 0 {
		var problem *meiliProblem
		if key, problem = inferKey(docs[0]); problem != nil {
			return problem
		}
	}
	primary := i.primaryKey
	if primary == "" {
		primary = key
	}
	ids := make([]string, len(docs))
	for n, d := range docs {
		v, ok := d[primary]
		if !ok {
			return newMeiliProblem("missing_document_id", "Document doesn't have a `%s` attribute.", primary)
		}
		ids[n] = meiliString(v)
		if !meiliDocumentID.MatchString(ids[n]) {
			return newMeiliProblem("invalid_document_id", "Document identifier `%q` is invalid. A document identifier can be of type integer or string, only composed of alphanumeric characters (a-z A-Z 0-9), hyphens (-) and underscores (_), and can not be more than 511 bytes.", ids[n])
		}
	}
	i.primaryKey = primary
	i.put(ids, docs, partial)
	return nil
}

// inferKey takes the one attribute whose name ends with "id".
func inferKey(d map[string]any) (key string, _ *meiliProblem) {
	for _, name := range slices.Sorted(maps.Keys(d)) {
		if !strings.HasSuffix(strings.ToLower(name), "id") {
			continue
		}
		if key != "" {
			return "", newMeiliProblem("index_primary_key_multiple_candidates_found", "The primary key inference failed as the engine found several fields ending with `id` in their names: '%s' and '%s'.", key, name)
		}
		key = name
	}
	if key == "" {
		return "", newMeiliProblem("index_primary_key_no_candidate_found", "The primary key inference failed as the engine did not find any field ending with `id` in its name.")
	}
	return key, nil
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
	return s.deletion(r, func(i *meiliIndex) []string { return slices.Collect(maps.Keys(i.docs)) }, 0)
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

func (s *meiliStandIn) listTasks(r *http.Request) (int, any) {
	q := r.URL.Query()
	for _, status := range strings.FieldsFunc(q.Get("statuses"), func(r rune) bool { return r == ',' }) {
		if !slices.Contains([]string{"enqueued", "processing", "succeeded", "failed", "canceled"}, status) {
			return meiliError("invalid_task_statuses", "Invalid value in parameter `statuses`: `%s` is not a valid task status. Available statuses are `enqueued`, `processing`, `succeeded`, `failed`, `canceled`.", status)
		}
	}
	limit, from := 20, len(s.tasks)-1
	if n, err := strconv.Atoi(q.Get("limit")); err == nil {
		limit = n
	}
	if n, err := strconv.Atoi(q.Get("from")); err == nil {
		from = n
	}
	results, total := []*meiliTask{}, 0
	var first, next any
	for _, t := range slices.Backward(s.tasks) { // the newest first
		if !t.matches(q) {
			continue
		}
		total++
		switch {
		case t.UID > from:
		case len(results) < limit:
			if first == nil {
				first = t.UID
			}
			results = append(results, t)
		case next == nil:
			next = t.UID
		}
	}
	return http.StatusOK, map[string]any{"results": results, "limit": limit, "total": total, "from": first, "next": next}
}

// matches says whether the task is one of those that the query filters for.
func (t *meiliTask) matches(q url.Values) bool {
	uid := ""
	if t.IndexUID != nil {
		uid = *t.IndexUID
	}
	for name, value := range map[string]string{"statuses": t.Status, "types": t.Type, "indexUids": uid, "uids": strconv.Itoa(t.UID)} {
		if list := q.Get(name); list != "" && !slices.Contains(strings.Split(list, ","), value) {
			return false
		}
	}
	if after, err := time.Parse(time.RFC3339Nano, q.Get("afterEnqueuedAt")); err == nil && !t.EnqueuedAt.After(after) {
		return false
	}
	return true
}

// cancelTasks ends tasks that wait. It is a task itself, and one that does not
// stand in the line.
func (s *meiliStandIn) cancelTasks(r *http.Request) (int, any) {
	q := r.URL.Query()
	if len(q) == 0 {
		return meiliError("missing_task_filters", "Query parameters to filter the tasks to cancel are missing. Available query parameters are: `uids`, `indexUids`, `statuses`, `types`.")
	}
	_, answer := s.enqueue("", "taskCancelation", map[string]any{"originalFilter": "?" + r.URL.RawQuery}, func() *meiliProblem { return nil })
	by := len(s.tasks) - 1
	for _, t := range s.tasks[:by] {
		if t.Status == "enqueued" && t.matches(q) {
			now := time.Now().UTC()
			t.Status, t.CanceledBy, t.FinishedAt = "canceled", &by, &now
		}
	}
	return http.StatusOK, answer
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
