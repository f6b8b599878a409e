package quality

import (
	"encoding/json"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// text gives a text of the component's front matter.
func text(c plugpack.Component, key string) string {
	var s string
	_ = json.Unmarshal(c.Frontmatter[key], &s) // "" for what is no text
	return strings.TrimSpace(s)
}
