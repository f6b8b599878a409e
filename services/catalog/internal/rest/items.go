package rest

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Texts in a list have bounds of their own, which only a type can say.
type (
	tag       string // of a pack
	command   string // that a pack's reader runs
	framework string // that a reviewer works with
)

// Schema says how a tag looks.
func (tag) Schema(huma.Registry) *huma.Schema { return short(plugpack.MaxTag) }

// Schema says how a command looks.
func (command) Schema(huma.Registry) *huma.Schema { return short(plugpack.MaxPackCommand) }

// Schema says how a framework's name looks.
func (framework) Schema(huma.Registry) *huma.Schema { return short(plugpack.MaxFramework) }

func short(characters int) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MaxLength: &characters}
}
