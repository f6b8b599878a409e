package rest

import (
	"cmp"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// wholes are examples of what those of its members do not make together: some
// exclude each other, or say what others are about.
var wholes = []any{
	plugpack.Source{Kind: plugpack.SourceGitSubdir, URL: "https://github.com/acme/tools.git", Path: "plugins/deploy", Ref: "main"},
	plugpack.Handler{Matcher: "Edit|Write", Type: "command", Command: "${CLAUDE_PLUGIN_ROOT}/scripts/check.sh", Timeout: 30},
	plugpack.Server{Transport: "stdio", Command: "npx", Args: []string{"-y", "@acme/cluster-mcp@1.4.0"}, Env: []string{"ACME_TOKEN"}},
	plugpack.Documents{
		Readme:    &plugpack.Document{Path: "README.md", Bytes: 53, Text: "# Deploy\n\nDeploys a service and watches it come up.\n"},
		License:   &plugpack.LicenseFile{Path: "LICENSE", SPDX: "MIT", By: "file"},
		Changelog: &plugpack.Document{Path: "CHANGELOG.md", Bytes: 2210},
	},
	versionDiff,
}

var versionDiff = api.VersionDiff{
	From: api.Version{Digest: strings.Repeat("4e", 32), Commit: strings.Repeat("c1", 20), Version: "1.1.0", FirstSeen: exampleTime, Files: 13, Bytes: 45100},
	To: api.Version{
		Digest: strings.Repeat("9f", 32), Commit: strings.Repeat("3f", 20), Version: "1.2.0", FirstSeen: exampleTime.AddDate(0, 0, 9), Current: true, Files: 14, Bytes: 48213,
	},
	Diff: plugpack.Diff{
		Components: plugpack.Change{Added: []string{"command rollback"}, Changed: []string{"command deploy"}},
		Scripts:    plugpack.Change{Added: []string{"scripts/rollback.sh"}},
		Files:      plugpack.Amount{From: 13, To: 14}, Bytes: plugpack.Amount{From: 45100, To: 48213},
		AlwaysOn: plugpack.Amount{From: 160, To: 180}, OnUse: plugpack.Amount{From: 2100, To: 2400},
		NewCapabilities: true, Capabilities: []string{"it brings a new script: scripts/rollback.sh"},
	},
}

const exampleID = "018f2c5e-7c1a-7b3d-9a42-5d6f1e0c8b71"

var exampleTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// seldom are members that tell what is wrong, or that few things have. The
// example of an answer goes without those that may be missing.
var seldom = []string{
	"add_reason", "archived", "banned", "deprecated", "failed_at", "gone", "handlers", "hidden", "install_reason", "last_error", "left_out", "lost",
	"reasons", "server", "state_reason",
}

// exemplify gives every body of an operation an example, made from the types and
// the examples of their fields.
func exemplify(r huma.Registry, op *huma.Operation) {
	for _, whole := range wholes {
		s := r.Schema(reflect.TypeOf(whole), true, "")
		r.SchemaFromRef(s.Ref).Examples = []any{whole}
	}
	if op.RequestBody != nil {
		fill(op.RequestBody.Content["application/json"], examples{r, nil})
	}
	for status, response := range op.Responses {
		fill(response.Content["application/json"], examples{r, seldom})
		if m := response.Content[problemType]; m != nil {
			response.Content = map[string]*huma.MediaType{problemType: {Schema: m.Schema, Example: exampleProblem(status)}}
		}
	}
}

func fill(m *huma.MediaType, e examples) {
	if m != nil && m.Example == nil && m.Schema != nil {
		m.Example = e.of(m.Schema)
	}
}

// sayings are what answers of errors say, such as.
var sayings = map[int]string{
	http.StatusMovedPermanently: "this plugin is now acme-tools-ship", http.StatusBadRequest: "it is not JSON, or none of this kind",
	http.StatusUnauthorized: "sign in, or send an API token as Authorization: Bearer", http.StatusForbidden: "this token lacks the scope packs",
	http.StatusNotFound: "there is none with this id or slug", http.StatusConflict: "edition: somebody changed it since; read it again",
	http.StatusRequestEntityTooLarge: "the body may have at most 1048576 bytes", http.StatusUnsupportedMediaType: "unknown content type: text/plain",
	http.StatusUnprocessableEntity: "validation failed", http.StatusServiceUnavailable: "the catalog's database is away, try again in a moment",
}

func exampleProblem(status string) api.Problem {
	code, _ := strconv.Atoi(status)
	p := api.Problem{Title: http.StatusText(code), Status: code, Detail: cmp.Or(sayings[code], http.StatusText(code))}
	if code == http.StatusUnprocessableEntity {
		p.Errors = []api.ProblemField{{Message: "expected number <= 100", Location: "query.limit"}}
	}
	return p
}

// examples makes examples of schemas, without the members that are named if they
// may be missing.
type examples struct {
	schemas huma.Registry
	without []string
}

// of makes a value of the schema, where nothing but a flag, a time and an id is
// without an example of its own.
func (e examples) of(s *huma.Schema) any {
	if s.Ref != "" {
		s = e.schemas.SchemaFromRef(s.Ref)
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type == huma.TypeObject:
		return e.object(s)
	case s.Type == huma.TypeArray:
		return []any{e.of(s.Items)}
	case s.Format == "uuid":
		return exampleID
	case s.Format == "date-time":
		return exampleTime
	case s.Type == huma.TypeBoolean:
		return false
	}
	return nil
}

func (e examples) object(s *huma.Schema) map[string]any {
	o := map[string]any{}
	for name, of := range s.Properties {
		if !slices.Contains(e.without, name) || slices.Contains(s.Required, name) {
			o[name] = e.of(of)
		}
	}
	return o
}
