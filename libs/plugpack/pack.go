package plugpack

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/errs"
)

// Bounds of packs.
const (
	MaxPackPlugins  = 200
	MaxPackPhase    = 100 // characters of a phase's name
	MaxPackNote     = 2000
	MaxPackCommands = 20
	MaxPackCommand  = 500 // characters of one command
	MaxTags         = 20
	MaxTag          = 64 // characters of one tag
)

// Difficulty says whom a pack is for.
type Difficulty string

// The difficulties.
const (
	Beginner     Difficulty = "beginner"
	Intermediate Difficulty = "intermediate"
	Advanced     Difficulty = "advanced"
)

// PackText is what a curator says of a pack.
type PackText struct {
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Difficulty  Difficulty `json:"difficulty"`
	Tags        []string   `json:"tags"`
	Minutes     int        `json:"minutes"` // to set it up; 0 is not known
	Curator     string     `json:"curator"`
}

// Pack is a curated set of plugins at one revision, in the order of its phases.
type Pack struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	PackText
	Featured  bool `json:"featured"`
	Published bool `json:"published"`
	// Edition counts what its curators changed; Revision counts every change of
	// what a reader sees, those of its plugins too.
	Edition   int64        `json:"edition"`
	Revision  int64        `json:"revision"`
	Removed   bool         `json:"removed,omitempty"`
	Plugins   []PackPlugin `json:"plugins"`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
}

// PackPlugin is a plugin's place in a pack.
type PackPlugin struct {
	PluginID    string   `json:"plugin_id"`
	Slug        string   `json:"slug"`
	Name        string   `json:"name"`
	Phase       string   `json:"phase,omitempty"`
	Description string   `json:"description,omitempty"` // why it is in the pack
	Commands    []string `json:"commands_to_run,omitempty"`
	// Gone: the plugin was removed from its marketplace and nothing took its
	// place. The pack installs without it.
	Gone bool `json:"gone,omitempty"`
}

// Live says whether readers may see the pack.
func (p Pack) Live() bool { return p.Published && !p.Removed }

// PackDraft is a pack as a curator writes it.
type PackDraft struct {
	Slug string `json:"slug"`
	PackText
	Plugins []DraftPlugin `json:"plugins"` // in order; a phase comes where it is first named
}

// DraftPlugin is a plugin's place in a draft.
type DraftPlugin struct {
	Slug        string   `json:"slug"`
	Phase       string   `json:"phase,omitempty"`
	Description string   `json:"description,omitempty"`
	Commands    []string `json:"commands_to_run,omitempty"`
}

// Check wants the draft within the bounds of packs. The error names the field.
func (d PackDraft) Check() error {
	switch {
	case d.Name == "":
		return errs.New(errs.Invalid, "name: want a name that can be read")
	case len(d.Plugins) > MaxPackPlugins:
		return errs.New(errs.Invalid, "plugins: want %d at most", MaxPackPlugins)
	}
	if err := checkTexts("tags", d.Tags, MaxTags, MaxTag); err != nil {
		return err
	}
	for i, p := range d.Plugins {
		at := fmt.Sprintf("plugins[%d].", i)
		for _, f := range []struct {
			name, text string
			most       int
		}{{"phase", p.Phase, MaxPackPhase}, {"description", p.Description, MaxPackNote}} {
			if utf8.RuneCountInString(f.text) > f.most {
				return errs.New(errs.Invalid, "%s%s: want %d characters at most", at, f.name, f.most)
			}
		}
		if err := checkTexts(at+"commands_to_run", p.Commands, MaxPackCommands, MaxPackCommand); err != nil {
			return err
		}
	}
	return nil
}

// checkTexts wants at most so many texts of at most so many characters.
func checkTexts(field string, texts []string, most, characters int) error {
	if len(texts) > most {
		return errs.New(errs.Invalid, "%s: want %d at most", field, most)
	}
	for i, t := range texts {
		if utf8.RuneCountInString(t) > characters {
			return errs.New(errs.Invalid, "%s[%d]: want %d characters at most", field, i, characters)
		}
	}
	return nil
}
