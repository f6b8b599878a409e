package rest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// complete adds to an operation's documentation what holds for all of its kind.
func complete(doc *huma.OpenAPI, op *huma.Operation) {
	problem := op.Responses["422"]
	if op.Method == http.MethodGet {
		op.Responses["304"] = &huma.Response{Description: "The client has it already, by its ETag"}
	}
	if problem != nil && strings.Contains(op.Path, "{") {
		op.Responses["404"] = &huma.Response{Description: http.StatusText(http.StatusNotFound), Content: problem.Content}
	}
	if problem != nil && op.RequestBody != nil {
		for _, status := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType} {
			op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: problem.Content}
		}
	}
	exemplify(doc.Components.Schemas, op)
}

// moves documents that the thing may have got another address.
func moves(op *huma.Operation) { op.Errors = append(op.Errors, http.StatusMovedPermanently) }
