package scan

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/testkit"
)

const skill = "plugins/beta/skills/see/SKILL.md"

// wantRelease holds a scan to a listing with that release, and to three
// requests that GitHub's limit counts.
func wantRelease(t *testing.T, got seen, tag string) {
	t.Helper()
	if got.listing == nil || got.listing.Repository.Release != tag || got.listing.Repository.ReleasedAt.IsZero() != (tag == "") {
		t.Errorf("want the release %q: %+v", tag, got.listing)
	}
	counted := slices.DeleteFunc(slices.Clone(got.requests), func(r string) bool { return strings.HasSuffix(r, " 304*") })
	if len(counted) > 3 {
		t.Errorf("cost %d counted requests: %v", len(counted), got.requests)
	}
}

func TestNewestRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Release(repo, "v1.0.0")
	wantRelease(t, w.scan(request(key)), "v1.0.0")
	t.Run("nothing changed", func(t *testing.T) {
		got := w.scan(request(key))
		wantRelease(t, got, "v1.0.0")
		if diff := cmp.Diff([]string{"/repos/acme/tools 304*"}, got.requests); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("only stars changed", func(t *testing.T) {
		w.github.Stars(repo, 42)
		got := w.scan(request(key))
		wantRelease(t, got, "v1.0.0")
		want := []string{"/repos/acme/tools 200", "/repos/Acme/Tools/commits/HEAD 304*", "/repos/Acme/Tools/releases/latest 304*"}
		if diff := cmp.Diff(want, ignoreStar(got.requests)); diff != "" || got.listing.Repository.Stars != 42 {
			t.Error(diff)
		}
	})
	t.Run("a commit and a release", func(t *testing.T) {
		w.github.Write(repo, skill, "---\ndescription: Sees more.\n---\n")
		w.github.Release(repo, "v1.1.0")
		got := w.scan(request(key))
		wantRelease(t, got, "v1.1.0")
		if !slices.Equal(got.updated, []string{"beta"}) || len(got.requests) != 3 {
			t.Errorf("updated %v after %v", got.updated, got.requests)
		}
	})
	t.Run("there is none any more", func(t *testing.T) {
		w.github.Write(repo, skill, "---\ndescription: Sees less.\n---\n")
		w.github.Release(repo, "")
		wantRelease(t, w.scan(request(key)), "")
	})
}

// The one request left is spent on its archive.
func TestReleaseOfAPrivateRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Private(repo)
	w.github.Release(repo, "v1.0.0")
	got := w.scan(request(key))
	wantRelease(t, got, "")
	want := []string{"/repos/acme/tools 200", "/repos/Acme/Tools/commits/HEAD 200", "/repos/Acme/Tools/tarball/" + got.listing.Commit + " 302"}
	if diff := cmp.Diff(want, got.requests); diff != "" || len(got.updated) != 3 {
		t.Errorf("updated %v: %s", got.updated, diff)
	}
	w.github.Stars(repo, 42)
	wantRelease(t, w.scan(request(key)), "v1.0.0")
	w.github.Write(repo, skill, "---\ndescription: Sees more.\n---\n")
	w.github.Release(repo, "v1.1.0")
	wantRelease(t, w.scan(request(key)), "v1.0.0") // as it was known
}

func TestReleaseThatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Release(repo, "v1.0.0")
	w.scan(request(key))
	w.github.Release(repo, "v1.1.0")
	for i, status := range []int{http.StatusInternalServerError, http.StatusForbidden} {
		w.github.Stars(repo, 42+i)
		w.github.Fault(testkit.GitHubFault{Path: "/releases/", Times: 1, Status: status})
		wantRelease(t, w.scan(request(key)), "v1.0.0")
	}
	w.github.Stars(repo, 50)
	wantRelease(t, w.scan(request(key)), "v1.1.0")
	t.Run("a limit is waited for", func(t *testing.T) {
		w.github.Stars(repo, 60)
		w.github.Fault(testkit.GitHubFault{Path: "/releases/", Times: 1, Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "60"}})
		if err := w.scanner.Scan(t.Context(), request(key), 1); errs.KindOf(err) != errs.TooMany {
			t.Errorf("got %v", err)
		}
	})
}

// A file that is no marketplace any more leaves the listing with its release as
// it was, and the release is asked for again after it is mended.
func TestReleaseDuringAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Release(repo, "v1.0.0")
	w.scan(request(key))
	good := market("", "one")
	w.github.Write(repo, file, "{")
	w.github.Release(repo, "v1.1.0")
	if got := w.scan(request(key)); got.failure == nil {
		t.Fatalf("got %+v", got)
	}
	w.github.Write(repo, file, good)
	wantRelease(t, w.scan(request(key)), "v1.1.0")
}
