//go:build unix

package postgres

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	real, err := Find()
	if err != nil {
		t.Fatal(err)
	}

	t.Run("PLUGPACK_PG_BIN wins", func(t *testing.T) {
		bin := binLinks(t, real)
		t.Setenv("PLUGPACK_PG_BIN", bin)
		if got, err := Find(); err != nil || got != bin {
			t.Errorf("Find gives %s, %v, want %s", got, err, bin)
		}
	})

	t.Run("a wrong PLUGPACK_PG_BIN is an error", func(t *testing.T) {
		t.Setenv("PLUGPACK_PG_BIN", t.TempDir())
		if _, err := Find(); err == nil || !strings.Contains(err.Error(), "correct it or unset it") {
			t.Errorf("Find gives %v, want advice", err)
		}
	})

	t.Run("what setup.sh fetched comes last", func(t *testing.T) {
		cache := filepath.Dir(place(t))
		bin := filepath.Join(cache, "plugpack", "pg", "99.1", "bin")
		mkdir(t, filepath.Dir(bin), 0o755)
		if err := os.Symlink(real, bin); err != nil {
			t.Fatal(err)
		}
		t.Setenv("XDG_CACHE_HOME", cache)
		got := candidates()
		if i := slices.Index(got, bin); i < 0 || i != len(got)-1 {
			t.Errorf("candidates are %q, want %s at the end", got, bin)
		}
	})

	t.Run("nothing found is an error that says what to do", func(t *testing.T) {
		err := noBinaries()
		for _, advice := range []string{"apt-get install postgresql", "PLUGPACK_PG_BIN", "DATABASE_URL"} {
			if !strings.Contains(err.Error(), advice) {
				t.Errorf("error %q, want %q in it", err, advice)
			}
		}
	})
}

func TestNewestFirst(t *testing.T) {
	t.Parallel()
	got := newestFirst([]string{"/usr/lib/postgresql/9.6/bin", "/usr/lib/postgresql/15/bin", "/c/pg/18.4/bin", "/c/pg/18.10/bin", "/usr/pgsql-17/bin"})
	want := []string{"/c/pg/18.10/bin", "/c/pg/18.4/bin", "/usr/pgsql-17/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/9.6/bin"}
	if !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
}

// binLinks gives a folder with links to the programs in real.
func binLinks(t *testing.T, real string) string {
	t.Helper()
	bin := filepath.Dir(place(t))
	mkdir(t, bin, 0o755)
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.Symlink(filepath.Join(real, name), filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}
