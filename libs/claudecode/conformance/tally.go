package main

import (
	"fmt"
	"os"
	"text/tabwriter"
)

// tally counts agreement by what is compared.
type tally struct {
	order              []string
	agree, all         map[string]int
	differ             []string
	failing, sameField int
}

// add compares what the client said with what we say.
func (t *tally) add(id, what string, want, got any) {
	if t.all == nil {
		t.agree, t.all = map[string]int{}, map[string]int{}
	}
	if t.all[what]++; t.all[what] == 1 {
		t.order = append(t.order, what)
	}
	if fmt.Sprint(want) == fmt.Sprint(got) {
		t.agree[what]++
		return
	}
	t.differ = append(t.differ, fmt.Sprintf("%s: %s: the client %v, we %v", id, what, want, got))
}

// places are compared but are no verdicts: they may differ in one case of
// twenty.
var onFields = map[string]bool{
	"validate: errors on the same fields": true, "validate: warnings on the same fields": true,
	"live: validate: fields with errors": true, "live: validate: fields with warnings": true,
}

// print says whether all verdicts agree, and enough of the fields.
func (t *tally) print() bool {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	ok := true
	for _, what := range t.order {
		fmt.Fprintf(w, "%s\t%d of %d\t\n", what, t.agree[what], t.all[what])
		ok = ok && (onFields[what] || t.agree[what] == t.all[what])
	}
	_ = w.Flush()
	if t.failing > 0 {
		share := 100 * float64(t.sameField) / float64(t.failing)
		fmt.Printf("failing cases with their errors on the same fields, by the same codes: %d of %d, %.1f %%\n", t.sameField, t.failing, share)
		ok = ok && share >= 95
	}
	fmt.Printf("%d disagreements\n", len(t.differ))
	for _, line := range t.differ {
		fmt.Println(" ", line)
	}
	return ok
}
