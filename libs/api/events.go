package api

import (
	"net/http"
	"strings"
	"time"
)

// EventsPath is where changes are told live.
const EventsPath = "/api/events"

// ExportPath is where the whole catalog is, as one answer: it takes as long as
// there are plugins.
const ExportPath = "/api/export/plugins.jsonl.gz"

// Streams says whether the answer to r goes on for as long as the client
// listens: nothing on its way may gather it up or break it off.
func Streams(r *http.Request) bool { return strings.TrimSuffix(r.URL.Path, "/") == EventsPath }

// Event is a change as it is told live. Its name is plugin.changed,
// plugin.removed, pack.changed or pack.removed.
type Event struct {
	ID        string    `json:"id" format:"uuid"`
	Slug      string    `json:"slug" example:"acme-tools-deploy"`
	Name      string    `json:"name" example:"deploy"`
	Revision  int64     `json:"revision" example:"7"`
	UpdatedAt time.Time `json:"updated_at"`
	Path      string    `json:"path" doc:"Where the API tells all about it" example:"/api/plugins/slug/acme-tools-deploy"`
}
