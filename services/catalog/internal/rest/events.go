package rest

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
)

var eventType = reflect.TypeFor[api.Event]()

var exampleEvent = api.Event{
	ID: exampleID, Slug: "acme-tools-deploy", Name: "deploy", Revision: 7, UpdatedAt: exampleTime,
	Path: "/api/plugins/slug/acme-tools-deploy",
}

func (h *handlers) registerEvents(a huma.API) {
	schema := a.OpenAPI().Components.Schemas.Schema(eventType, true, "Event")
	register(h, a, huma.Operation{
		OperationID: "listen", Method: http.MethodGet, Path: api.EventsPath, Tags: []string{tagPlugins},
		Summary: "Hear of changes as they happen, as server-sent events",
		Errors:  []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		Responses: map[string]*huma.Response{"200": {
			Description: "One event a change; each one's data is as shown",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: schema, Example: exampleEvent}},
		}},
	}, h.listen)
}

func (h *handlers) listen(ctx context.Context, in *struct {
	After string `header:"Last-Event-ID" maxLength:"20" doc:"Id of the last event that was seen; those after it come first" example:"1830"`
},
) (*huma.StreamResponse, error) {
	stream, err := h.options.Feed.Open(ctx, in.After)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "text/event-stream")
		hc.SetHeader("Cache-Control", "no-store")
		hc.SetHeader("X-Accel-Buffering", "no") // nginx would gather events up
		if w, ok := hc.BodyWriter().(http.ResponseWriter); ok {
			stream.Serve(hc.Context(), w)
		}
	}}, nil
}
