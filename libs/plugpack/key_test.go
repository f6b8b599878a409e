package plugpack_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

func TestMarketplaceKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, host, repo        string
		key                     plugpack.MarketplaceKey
		repository, owner, last string
		local, valid            bool
	}{
		{"a repository in any letter case", "GitHub.com", "Acme/Tools", "github.com/acme/tools", "acme/tools", "acme", "tools", false, true},
		{"a nested group", "gitlab.com", "a/b/c", "gitlab.com/a/b/c", "a/b/c", "b", "c", false, true},
		{"a folder keeps its letters", "local", "/home/Me/Plugins/", "local/home/Me/Plugins", "home/Me/Plugins", "Me", "Plugins", true, true},
		{"a folder right under the root", "local", "/plugins", "local/plugins", "plugins", "local", "plugins", true, true},
		{"the root folder", "local", "/", "local/", "", ".", "local", true, false},
		{"no repository", "github.com", "acme", "github.com/acme", "acme", "github.com", "acme", false, false},
		{"an empty part", "github.com", "acme//tools", "github.com/acme//tools", "acme//tools", "acme", "tools", false, false},
		{"an invisible character", "github.com", "acme/to\u200bols", "github.com/acme/to\u200bols", "acme/to\u200bols", "acme", "to\u200bols", false, false},
		{"too long", "github.com", "acme/" + strings.Repeat("x", 600), plugpack.MarketplaceKey("github.com/acme/" + strings.Repeat("x", 600)), "acme/" + strings.Repeat("x", 600), "acme", strings.Repeat("x", 600), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := plugpack.NewMarketplaceKey(c.host, c.repo)
			if k != c.key {
				t.Fatalf("key %q, want %q", k, c.key)
			}
			if k.Repository() != c.repository || k.Local() != c.local || k.Repo() != c.last || c.repository != "" && k.Owner() != c.owner {
				t.Errorf("parts of %q: repository %q, owner %q, repo %q, local %v", k, k.Repository(), k.Owner(), k.Repo(), k.Local())
			}
			if err := k.Validate(); (err == nil) != c.valid || err != nil && errs.KindOf(err) != errs.Invalid {
				t.Errorf("Validate gives %v", err)
			}
		})
	}
}

func TestSlug(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, repository, plugin, want string }{
		{"plain", "acme/tools", "deploy", "acme-tools-deploy"},
		{"capitals, dots and blanks", "acme/tool.kit", "My  Deploy.Tool", "acme-tool-kit-my-deploy-tool"},
		{"hyphens around", "acme/tools", "--x--", "acme-tools-x"},
		{"accents part words", "acme/tools", "café crème", "acme-tools-caf-cr-me"},
		{"no letter of ours", "acme/tools", "插件", "acme-tools"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := plugpack.NewMarketplaceKey("github.com", c.repository).Plugin(c.plugin)
			if got := k.Slug(0); got != c.want {
				t.Errorf("slug %q, want %q", got, c.want)
			}
		})
	}
	t.Run("keys with one slug part at the first attempt, by more digits each time", func(t *testing.T) {
		t.Parallel()
		m := plugpack.NewMarketplaceKey("github.com", "acme/tools")
		a, b := m.Plugin("插件"), m.Plugin("部署")
		if a.Slug(0) != b.Slug(0) || a.Slug(1) == b.Slug(1) {
			t.Errorf("slugs %q, %q, then %q, %q", a.Slug(0), b.Slug(0), a.Slug(1), b.Slug(1))
		}
		form := regexp.MustCompile(`^acme-tools-[0-9a-f]{6}$`)
		if got := a.Slug(1); !form.MatchString(got) || got != a.Slug(1) {
			t.Errorf("slug of attempt 1 is %q", got)
		}
		if one, two := a.Slug(1), a.Slug(2); !strings.HasPrefix(two, one) || len(two) != len(one)+6 {
			t.Errorf("attempt 2 is %q after %q", two, one)
		}
		if got := len(a.Slug(99)); got != len("acme-tools-")+64 {
			t.Errorf("attempt 99 is %d long", got)
		}
	})
	t.Run("every slug is one that an address and the schema take", func(t *testing.T) {
		t.Parallel()
		form := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
		for _, name := range []string{"a", "A_b", "K\u212a", "ſ", "İstanbul", "x\x00y", "../..", "%2f"} {
			if got := plugpack.NewMarketplaceKey("local", "/tmp/_X").Plugin(name).Slug(0); !form.MatchString(got) {
				t.Errorf("slug of %q is %q", name, got)
			}
		}
	})
}

func TestKeyString(t *testing.T) {
	t.Parallel()
	k := plugpack.Observation{Marketplace: "github.com/acme/tools", Name: "deploy"}.Key()
	if got, want := k.String(), "github.com/acme/tools:deploy"; got != want {
		t.Errorf("key %q, want %q", got, want)
	}
	p := plugpack.Plugin{Marketplace: plugpack.MarketplaceRef{Key: "github.com/acme/tools"}, Name: "deploy"}
	if p.Key() != k {
		t.Errorf("the plugin's key %v is not its observation's %v", p.Key(), k)
	}
}

func TestParseMarketplace(t *testing.T) {
	t.Parallel()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	under := func(path string) plugpack.MarketplaceKey {
		return plugpack.NewMarketplaceKey(plugpack.LocalHost, filepath.ToSlash(filepath.Join(wd, path)))
	}
	for _, c := range []struct {
		text string
		want plugpack.MarketplaceKey // "" for an error
	}{
		{"acme/tools", "github.com/acme/tools"},
		{"  Acme/Tool.Kit_2 ", "github.com/acme/tool.kit_2"},
		{"acme/tools.git", "github.com/acme/tools"},
		{"https://github.com/acme/tools", "github.com/acme/tools"},
		{"https://GitHub.com/Acme/tools.git", "github.com/acme/tools"},
		{"https://github.com/acme/tools.git/", "github.com/acme/tools"},
		{"https://gitlab.com/acme/tools", "gitlab.com/acme/tools"},
		{"github.com/acme/tools", "github.com/acme/tools"},
		{"/srv/plugins", "local/srv/plugins"},
		{"/plugins/", "local/plugins"},
		{"./testdata/x", under("testdata/x")},
		{"..", under("..")},
		{"", ""},
		{"   ", ""},
		{"/", ""},
		{"~/plugins", ""},
		{"acme", ""},
		{"acme/", ""},
		{"acme/tools/more", ""},
		{"acme/..", ""},
		{"acme/.", ""},
		{"-acme/tools", ""},
		{"acme/to ols", ""},
		{"acme/t\u200bools", ""},
		{"https://github.com/acme", ""},
		{"https://github.com/acme/tools/tree/main", ""},
		{"https://github.com/acme/%2e%2e", ""},
		{"https://github.com:8443/acme/tools", ""},
		{"https://localhost/acme/tools", ""},
		{"http://github.com/acme/tools", ""},
		{"ssh://git@github.com/acme/tools", ""},
		{"git@github.com:acme/tools.git", ""},
		{"git://github.com/acme/tools", ""},
		{"file:///srv/plugins", ""},
		{"https://me:hunter2@github.com/acme/tools", ""},
		{"https://hunter2@github.com/acme/tools", ""},
		{"https://", ""},
		{"://", ""},
		{"%zz/%zz", ""},
		{strings.Repeat("x", 5000), ""},
	} {
		t.Run(plugpack.Cut(c.text, 60), func(t *testing.T) {
			t.Parallel()
			got, err := plugpack.ParseMarketplace(c.text, "github.com")
			if c.want != "" {
				if err != nil || got != c.want {
					t.Errorf("got %q, %v; want %q", got, err, c.want)
				}
				return
			}
			if errs.KindOf(err) != errs.Invalid {
				t.Fatalf("got %q, %v; want an Invalid error", got, err)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
				t.Errorf("the error is not fit to show: %v", err)
			}
		})
	}
	t.Run("a bare name is on the host that the caller gives", func(t *testing.T) {
		t.Parallel()
		got, err := plugpack.ParseMarketplace("acme/tools", "ghe.example.com")
		if want := plugpack.MarketplaceKey("ghe.example.com/acme/tools"); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	})
}
