package postgres_test

import (
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

func (f fixture) user(login string) plugpack.User {
	f.t.Helper()
	u, err := f.SignIn(f.t.Context(), sample.HostID(login), login, "", sample.At(0))
	if err != nil {
		f.t.Fatal(err)
	}
	return u
}

func TestRoles(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	f.user("ann")
	if u, err := f.SetRoles(t.Context(), "", "ANN", []plugpack.Role{plugpack.Admin}); err != nil || !u.Is(plugpack.Curator) {
		t.Fatalf("%+v, %v", u, err)
	}
	if _, err := f.SetRoles(t.Context(), "", "ann", []plugpack.Role{"king"}); errs.KindOf(err) != errs.Invalid {
		t.Fatalf("an unknown role: %v", err)
	}
	if _, err := f.SetRoles(t.Context(), "", "nobody", nil); errs.KindOf(err) != errs.NotFound {
		t.Fatalf("an unknown user: %v", err)
	}
	// Whoever renames himself on GitHub stays who he is.
	before := f.user("bea")
	after, err := f.SignIn(t.Context(), before.GitHubID, "beatrice", "", sample.At(1))
	if err != nil || after.ID != before.ID || after.Login != "beatrice" {
		t.Fatalf("%+v, %v", after, err)
	}
}
