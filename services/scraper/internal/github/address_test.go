package github

import (
	"net/url"
	"slices"
	"testing"
)

func TestArchives(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host, api string
		want      []string
	}{
		{PublicHost, "https://api.github.com/", []string{"https://codeload.github.com/acme/tools/tar.gz/c1", "https://github.com/acme/tools/archive/c1.tar.gz"}},
		{PublicHost, "http://127.0.0.1:9090/", []string{"http://127.0.0.1:9090/codeload/acme/tools/legacy.tar.gz/c1"}},
		{"git.acme.example", "https://git.acme.example/api/v3/", []string{"https://git.acme.example/acme/tools/archive/c1.tar.gz"}},
	} {
		api, err := url.Parse(c.api)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, address := range Archives(c.host, api) {
			got = append(got, address("acme/tools", "c1"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", c.api, got)
		}
	}
}

// A company's server shows its archives to nobody without a token.
func TestArchivesThatCount(t *testing.T) {
	t.Parallel()
	for base, free := range map[string]bool{"https://api.github.com/": true, "http://127.0.0.1:9090/": true, "https://git.acme.example/api/v3/": false} {
		if c := client(t, base, "T1"); (c.archive != nil) != free {
			t.Errorf("%s: free %t", base, c.archive != nil)
		}
	}
}
