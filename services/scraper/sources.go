package scraper

import (
	"os"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// gitHubHost is what a bare owner/repo in the sources means.
const gitHubHost = "github.com"

// knownSources are scanned when no file names others.
var knownSources = []string{"anthropics/claude-plugins-official", "anthropics/claude-code", "wshobson/agents"}

// readSources reads the sources file: one marketplace a line.
func readSources(file string) ([]plugpack.MarketplaceKey, error) {
	lines := knownSources
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, errs.New(errs.Invalid, "PLUGPACK_SOURCES: want a file that can be read: %w", err)
		}
		lines = strings.Split(string(b), "\n")
	}
	var keys []plugpack.MarketplaceKey
	seen := map[plugpack.MarketplaceKey]bool{}
	for i, line := range lines {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		k, err := plugpack.ParseMarketplace(line, gitHubHost)
		if err != nil {
			return nil, errs.New(errs.Invalid, "PLUGPACK_SOURCES: line %d of %s: %w", i+1, file, err)
		}
		if !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys, nil
}
