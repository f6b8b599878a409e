package claudecode

import (
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

var relevanceSignals = []string{"cli", "hosts", "filesRead", "manifestDeps", "cwd"}

var isRelevance = shape(false, may("topic", filled("empty_string")), may("signals", shape(false,
	may("cli", isFilled), may("hosts", isFilled), may("filesRead", isFilled), may("cwd", isFilled),
	may("manifestDeps", listOf(shape(false, need("file", filled("empty_string")), need("pattern", filled("empty_string"))))))))

var isFilled = listOf(filled("empty_string"))

// relevanceIssues: what is no object is ignored with a warning, and an object
// wants a signal.
func relevanceIssues(path string, v any) (found []judged) {
	if _, missing := v.(absent); missing {
		return nil
	}
	o, ok := v.(object)
	if !ok {
		return []judged{{issue{path, "relevance_type", "It is no object, and the client ignores it."}, plugpack.Warning}}
	}
	formed := true // as far as the client goes on to count the signals
	for _, i := range isRelevance(path, v) {
		found = append(found, judged{i, plugpack.Error})
		formed = formed && (i.code == "empty_string" || !strings.HasPrefix(i.path, path+".signals"))
	}
	signals := asObject(o["signals"])
	filled := func(s string) bool {
		l, _ := signals[s].([]any)
		return slices.ContainsFunc(l, func(item any) bool { return item != "" })
	}
	if formed && !slices.ContainsFunc(relevanceSignals, filled) {
		found = append(found, judged{issue{path + ".signals", "relevance_signals", "It has no signal; add one of " + strings.Join(relevanceSignals, ", ") + "."}, plugpack.Error})
	}
	for _, u := range []struct {
		at    string
		o     object
		known []string
	}{{path, o, []string{"topic", "signals"}}, {path + ".signals", signals, relevanceSignals}} {
		for _, k := range sortedKeys(u.o) {
			if !slices.Contains(u.known, k) {
				found = append(found, judged{issue{join(u.at, k), "unknown_field", "The client does not know this field and ignores it."}, plugpack.Warning})
			}
		}
	}
	return found
}
