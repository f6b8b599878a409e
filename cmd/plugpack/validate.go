package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

type validateCommand struct {
	Target string `arg:"" help:"A folder, a manifest, owner/repo or an https address."`
	Strict bool   `help:"Count warnings as errors."`
	Client string `help:"Version of the client to judge by." default:"2.1.197"`
	Format string `help:"text or json." enum:"text,json" default:"text"`
}

// Run says what the real client's "plugin validate" says. The status is 0 when
// it passes, 1 when it does not, and 2 when the target cannot be read.
func (c validateCommand) Run(ctx context.Context) error {
	profile, err := profileOf(c.Client)
	if err != nil {
		return err
	}
	t, err := openTarget(ctx, c.Target)
	if err != nil {
		return err
	}
	defer t.Close()
	v := profile.Validate(t.FS, t.file)
	if c.Format == "json" {
		err = printJSON(c, v)
	} else {
		c.print(v)
	}
	if err != nil {
		return unreadable(err)
	}
	if code := v.ExitCode(c.Strict); code != 0 {
		return exit{code: code}
	}
	return nil
}

// profileOf gives the client of a version, or an error that ends the program.
func profileOf(version string) (*claudecode.Profile, error) {
	if p, ok := claudecode.ProfileOf(version); ok {
		return p, nil
	}
	var known []string
	for _, p := range claudecode.Profiles() {
		known = append(known, p.Version)
	}
	return nil, unreadable(errs.New(errs.Invalid, "client %s is not known: want one of %s", version, strings.Join(known, ", ")))
}

func printJSON(c validateCommand, v claudecode.Validation) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{
		"target": c.Target, "client": c.Client, "kind": v.Kind, "valid": v.Valid, "faults": append([]plugpack.Fault{}, v.Faults...),
	})
}

func (c validateCommand) print(v claudecode.Validation) {
	paint := func(code, text string) string {
		if !colour(os.Stdout) {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	for _, p := range v.Faults {
		code := "33"
		if p.Severity == plugpack.Error {
			code = "31"
		}
		fmt.Printf("%s %s %s: %s (%s)\n", paint(code, fmt.Sprintf("%-7s", p.Severity)), p.File, p.Path, p.Message, p.Code)
	}
	switch result := fmt.Sprintf("by client %s, %d found", c.Client, len(v.Faults)); {
	case !v.Valid:
		fmt.Println(paint("31", "fails"), result)
	case c.Strict && len(v.Faults) > 0:
		fmt.Println(paint("31", "fails"), result+", and warnings count")
	default:
		fmt.Println(paint("32", "passes"), result)
	}
}
