package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/services/catalog"
	"github.com/plugpack/plugpack/services/gateway"
	"github.com/plugpack/plugpack/services/indexer"
	"github.com/plugpack/plugpack/services/scraper"
)

// envExample writes every variable of every form, each once, with who reads
// it. The test of .env.example keeps the file equal to this.
func envExample() string {
	forms := []struct {
		name string
		cfg  any
	}{
		{"plugpack up", Config{}},
		{"catalog", catalog.Config{}},
		{"scraper", scraper.Config{}},
		{"indexer", indexer.Config{}},
		{"gateway", gateway.Config{}},
	}
	type entry struct {
		config.Var
		readers []string
	}
	var entries []*entry
	known := map[string]*entry{}
	for _, f := range forms {
		for _, v := range config.Describe(f.cfg) {
			e, ok := known[v.Name]
			if !ok {
				e = &entry{Var: v}
				known[v.Name], entries = e, append(entries, e)
			}
			reader := f.name
			if v.Required {
				reader += " (required)"
			}
			if !slices.Contains(e.readers, reader) { // up has the services' configurations in its own
				e.readers = append(e.readers, reader)
			}
		}
	}
	var b strings.Builder
	b.WriteString("# Every variable PlugPack reads. Written by make env from the services' config structs.\n")
	for _, e := range entries {
		fmt.Fprintf(&b, "\n# %s\n# Wants %s. Read by %s.\n#%s=%s\n", e.Doc, e.Want, strings.Join(e.readers, ", "), e.Name, e.Default)
	}
	return b.String()
}
