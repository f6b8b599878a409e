package github

import (
	"net/http"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/testkit"
)

// A redirect into a private network ends the scan for good: no retry helps.
func TestRedirectIntoAPrivateNetwork(t *testing.T) {
	t.Parallel()
	g := server(t)
	g.Fault(testkit.GitHubFault{Path: "tarball", Status: http.StatusFound, Header: map[string]string{"Location": "http://169.254.169.254/latest/meta-data/"}})
	_, err := client(t, g.URL, "T1").Archive(t.Context(), "acme/tools", strings.Repeat("a", 40))
	if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "not on the public internet") {
		t.Fatalf("got %v", err)
	}
}
