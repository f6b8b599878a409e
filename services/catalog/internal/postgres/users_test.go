package postgres_test

import (
	"testing"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

// GitHub gives a login that somebody left to the next who wants it.
func TestALoginIsTheirsWhoCameWithItLast(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	come := func(id int64, login string) plugpack.User {
		t.Helper()
		u, err := f.SignIn(t.Context(), id, login, "", sample.At(0))
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	come(1, "bob")
	come(2, "Bob")
	if u, err := f.SetRoles(t.Context(), "", "bob", []plugpack.Role{plugpack.Admin}); err != nil || u.GitHubID != 2 {
		t.Fatalf("%+v, %v", u, err)
	}
	if u := come(1, "robert"); u.Login != "robert" || len(u.Roles) > 0 {
		t.Errorf("who had the login before is %+v", u)
	}
	if u := come(2, "Bob"); !u.Is(plugpack.Admin) {
		t.Errorf("who has it now is %+v", u)
	}
}
