package plugpack_test

import (
	"slices"
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

func TestOptOut(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"acme": true, "acme/tools": true, "github.com/acme/tools": true, "git.example.com/a/b/c": true,
		"": false, "Acme": false, "acme/": false, "acme/..": false, "a/b/c": false, "acme/*": false, "a b": false, "https://github.com/acme": false,
	} {
		if err := (plugpack.OptOut{Name: name}).Validate(); (err == nil) != ok || err != nil && errs.KindOf(err) != errs.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got := plugpack.OptOutNames("github.com/acme/tools"); !slices.Equal(got, []string{"github.com/acme/tools", "acme/tools", "acme"}) {
		t.Errorf("got %q", got)
	}
	if got := plugpack.OptOutNames("local/srv/tools"); got != nil {
		t.Errorf("a folder: %q", got)
	}
}

func TestOriginKey(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]plugpack.MarketplaceKey{
		"github.com/Acme/Tools": "github.com/acme/tools", "github.com/acme/tools/plugins/a/b": "github.com/acme/tools",
		"": "", "github.com/acme": "", "local/srv/tools/a": "", "npm/@acme/tools": "",
	} {
		if got := plugpack.OriginKey(origin); got != want {
			t.Errorf("%q: %q, want %q", origin, got, want)
		}
	}
}
