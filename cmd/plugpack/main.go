// Command plugpack is PlugPack on one machine.
//
//	plugpack up               start everything on http://127.0.0.1:8000
//	plugpack scan SOURCE…     scan marketplaces now: owner/repo, an https address or a folder
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
	Up      upCommand      `cmd:"" default:"1" help:"Start everything on one machine."`
	Scan    scanCommand    `cmd:"" help:"Scan marketplaces now and show the progress."`
	Confirm confirmCommand `cmd:"" name:"confirm-scan" help:"Apply the removals that a marketplace's guard held back."`
	Env     envCommand     `cmd:"" help:"Print every variable with its default, as .env.example has it."`
	Version versionCommand `cmd:"" help:"Print the version."`
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
		fmt.Fprintln(os.Stderr, "plugpack:", strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
}
