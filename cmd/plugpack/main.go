// Command plugpack is PlugPack on one machine.
//
//	plugpack up               start everything on http://127.0.0.1:8000
//	plugpack scan SOURCE…     scan marketplaces now: owner/repo, an https address or a folder
//	plugpack validate TARGET  check a plugin or marketplace as the real client's author's check does
//	plugpack analyze TARGET   say what is in its plugins, as text, JSON, Markdown or SARIF
//	plugpack confirm-scan M   apply the removals that a marketplace's guard held back
//	plugpack env              print every variable with its default
//	plugpack version          say which version this is
//
// It needs PostgreSQL's server programs and nothing else. Where DATABASE_URL,
// NATS_URL, REDIS_URL or MEILISEARCH_URL is set, that server is used instead
// of what the program brings itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/plugpack/plugpack/libs/service"
)

type commands struct {
	Up       upCommand       `cmd:"" default:"1" help:"Start everything on one machine."`
	Scan     scanCommand     `cmd:"" help:"Scan marketplaces now and show the progress."`
	Validate validateCommand `cmd:"" help:"Check a plugin or marketplace as the real client does for its author."`
	Analyze  analyzeCommand  `cmd:"" help:"Say what is in a plugin or in every plugin of a marketplace."`
	Confirm  confirmCommand  `cmd:"" name:"confirm-scan" help:"Apply the removals that a marketplace's guard held back."`
	Env      envCommand      `cmd:"" help:"Print every variable with its default, as .env.example has it."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	fmt.Println("plugpack", service.BuildVersion())
	return nil
}

func main() {
	ctx, stop := service.Signals(context.Background())
	defer stop()
	var c commands
	k := kong.Parse(&c, kong.Name("plugpack"), kong.Description("Every Claude Code plugin marketplace, searched on your own machine."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil && !errors.Is(err, context.Canceled) {
		status := 1
		if e, ok := errors.AsType[exit](err); ok {
			status = e.code
		}
		if text := err.Error(); text != "" {
			fmt.Fprintln(os.Stderr, "plugpack:", strings.ReplaceAll(text, "\n", " "))
		}
		stop()
		os.Exit(status)
	}
}
