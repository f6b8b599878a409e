package analysis

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// plain keeps a stranger's text from being more than text: no markup, no
// links, no HTML, no new cell of a table.
var plain = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`,
	"#", `\#`, "!", `\!`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "~", `\~`, "$", `\$`, "@", "&#64;", "://", ":&#47;/")

func md(text string) string { return plain.Replace(plugpack.Clean(text)) }

// writeMarkdown writes what fits a comment on a pull request.
func writeMarkdown(out io.Writer, a Analysis) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "# %s\n\n", md(a.Target))
	if a.Commit != "" {
		fmt.Fprintf(w, "At commit %s, as client %s reads it.\n\n", md(a.Commit), md(a.Client))
	} else {
		fmt.Fprintf(w, "As client %s reads it.\n\n", md(a.Client))
	}
	if a.Marketplace != nil {
		markdownMarketplace(w, *a.Marketplace)
	}
	if len(a.Plugins) > 0 {
		fmt.Fprint(w, "\n| plugin | score | state | findings | always-on tokens | contents |\n|---|---|---|---|---|---|\n")
		for _, p := range a.Plugins {
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n",
				md(p.Name), shortScore(p), p.State, md(scanned(p)), alwaysOn(p.Costs), md(contents(p.Components)))
		}
	}
	for _, p := range a.Plugins {
		markdownPlugin(w, p)
	}
	return w.Flush()
}

func shortScore(p Plugin) string {
	if p.Score == nil {
		return "–"
	}
	return fmt.Sprint(*p.Score)
}

func alwaysOn(c *plugpack.Costs) string {
	if c == nil {
		return "–"
	}
	return fmt.Sprint(c.Client.AlwaysOn)
}

func markdownMarketplace(w io.Writer, m Marketplace) {
	if m.Rejected != "" {
		fmt.Fprintf(w, "**The client refuses this marketplace:** %s\n\n", md(m.Rejected))
	} else {
		fmt.Fprintf(w, "Marketplace %s, entries: %d.\n\n", md(m.Name), m.Entries)
	}
	for _, s := range m.Skipped {
		fmt.Fprintf(w, "- skipped entry %d %s: %s\n", s.Index, md(s.Name), md(s.Reason))
	}
	markdownProblems(w, m.Faults)
}

func markdownPlugin(w io.Writer, p Plugin) {
	fmt.Fprintf(w, "\n## %s\n\n", md(p.Name))
	if p.Description != "" {
		fmt.Fprintf(w, "%s\n\n", md(p.Description))
	}
	if p.StateReason != "" {
		fmt.Fprintf(w, "**%s:** %s\n\n", p.State, md(p.StateReason))
	}
	fmt.Fprintf(w, "- Score: %s\n", md(score(p)))
	for _, c := range caps(p) {
		fmt.Fprintf(w, "- **Capped** %s\n", md(c))
	}
	fmt.Fprintf(w, "- Client: %s\n", md(verdict(p.Verdicts)))
	for _, line := range []struct{ label, text string }{
		{"Needs", needs(p.Requirements)}, {"Category", p.Category}, {"Licence", p.License}, {"Brings", documents(p.Documents)},
	} {
		if line.text != "" {
			fmt.Fprintf(w, "- %s: %s\n", line.label, md(line.text))
		}
	}
	for _, line := range reaches(p.Components) {
		fmt.Fprintf(w, "- Runs %s\n", md(line))
	}
	if p.Verdicts != nil {
		markdownProblems(w, p.Verdicts.Faults)
	}
	markdownFindings(w, p)
	all := lost(p)
	for _, c := range all[:min(len(all), maxLost)] {
		fmt.Fprintf(w, "- To do: %s\n", md(advice(c)))
	}
}

func markdownFindings(w io.Writer, p Plugin) {
	list, more := findings(p)
	for _, f := range list {
		fmt.Fprintf(w, "- **%s** %s: %s (%s, %s confidence)\n", f.Severity, md(place(f.Path, f.Line)), md(f.Message), md(f.Rule), f.Confidence)
	}
	if more > 0 {
		fmt.Fprintf(w, "- and %d more findings\n", more)
	}
}

func markdownProblems(w io.Writer, problems []plugpack.Fault) {
	for _, p := range problems {
		fmt.Fprintf(w, "- **%s** %s %s\n", p.Severity, md(where(p)), md(p.Message))
	}
}
