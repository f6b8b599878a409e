package quality

import (
	"fmt"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/plugpack"
)

var costRules = []rule{
	{"cost.always", 1, 8, "It takes little room in every session", alwaysOn},
	{"cost.use", 1, 4, "No component is large when it is used", onUse},
	{"cost.components", 1, 3, "It is about one thing", few},
	{"cost.descriptions", 1, 3, "Descriptions are shown whole", whole},
}

// The steps are 0.5, 1, 2 and 4 percent of a session of 200,000 tokens, which
// all of a user's plugins share.
func alwaysOn(in Input) result {
	c := in.Facts.Costs
	if c == nil {
		return notKnown("it is not known what it costs", "")
	}
	n := c.Full.AlwaysOn
	return earned(within(n, step{1000, 1}, step{2000, 0.75}, step{4000, 0.5}, step{8000, 0.25}),
		fmt.Sprintf("%s in every session, used or not", count(n, "token")),
		"Shorten descriptions, or split it into plugins that are installed when needed.")
}

// 5,000 tokens are what the open standard for skills advises as the most for
// the body of one.
func onUse(in Input) result {
	var largest plugpack.Component
	for _, c := range in.Facts.Components {
		if c.OnUse > largest.OnUse {
			largest = c
		}
	}
	if largest.OnUse == 0 {
		return notApplicable("nothing of it is read into a session")
	}
	return earned(within(largest.OnUse, step{5000, 1}, step{10_000, 0.5}, step{20_000, 0.25}),
		fmt.Sprintf("the largest, %s, takes %s", largest.Name, count(largest.OnUse, "token")),
		"Move details to files that are read only when they are needed.", at(largest.Path)...)
}

// The steps are our choice: what does one thing well seldom takes more than 30.
func few(in Input) result {
	n := len(in.Facts.Components)
	if n == 0 {
		return earned(0, "it adds nothing to the client", "Add a command, an agent, a skill, a hook or a server.")
	}
	return earned(within(n, step{30, 1}, step{60, 0.5}, step{120, 0.25}), "it has "+count(n, "component"),
		"Split it by what users want of it: each is then found, and paid for, by itself.")
}

// maxListing is where the client cuts description and when_to_use together.
const maxListing = 1536

func whole(in Input) result {
	all, long, evidence := lacking(in, documented, func(c plugpack.Component) bool {
		return utf8.RuneCountInString(text(c, "description"))+utf8.RuneCountInString(text(c, "when_to_use")) <= maxListing
	})
	switch {
	case all == 0:
		return notApplicable("it has no commands, agents or skills")
	case len(long) == 0:
		return earned(1, "each is", "")
	}
	return earned(share(all-len(long), all), fmt.Sprintf("%d of %d are cut at %d characters: %s", len(long), all, maxListing, some(long)),
		"Say the most important first, and less.", evidence...)
}
