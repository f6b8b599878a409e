// Command conformance holds this package to the verdicts that the real client
// gave: each case is a small plugin or marketplace with what the client said of
// it. It prints how often the two agree and each case where they do not, and
// exits with status 1 when a verdict differs or when the fault is seen on
// another field in more than one failing case in twenty.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	cases := flag.String("cases", "../shared/reference/validate-cases.jsonl", "verdicts, one JSON object a line")
	tokens := flag.String("tokens", "../shared/reference/token-cases.jsonl", "costs, one JSON object a line")
	client := flag.String("client", "", "the real client's program, to compare with live")
	corpus := flag.String("corpus", "../shared/corpus/repos", "folder of repositories for -client")
	own := flag.String("own", "", "with -client: only our own cases whose names begin so, or all")
	record := flag.String("record", "", "with -own: file to write to what the client says")
	flag.Parse()
	if *own != "" {
		t := &tally{}
		if *own == "install" {
			if err := installLive(*client, *record, t); err != nil {
				fmt.Fprintln(os.Stderr, "conformance:", err)
				os.Exit(2)
			}
		} else if err := ownLive(*client, strings.TrimPrefix(*own, "all"), *record, t); err != nil {
			fmt.Fprintln(os.Stderr, "conformance:", err)
			os.Exit(2)
		}
		if !t.print() {
			os.Exit(1)
		}
		return
	}
	ok, err := run(*cases, *tokens)
	if err == nil && *client != "" {
		var same bool
		same, err = live(*client, *corpus)
		ok = ok && same
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	case !ok:
		os.Exit(1)
	}
}

func run(cases, tokens string) (ok bool, err error) {
	t := &tally{}
	if err := verdicts(cases, t); err != nil {
		return false, err
	}
	if err := costs(tokens, t); err != nil {
		return false, err
	}
	return t.print(), nil
}
