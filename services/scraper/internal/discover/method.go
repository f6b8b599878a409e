package discover

import (
	"context"
	"time"

	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
)

// manifest is the file that makes a repository a marketplace.
const manifest = marketplace.File

// topics are those that authors give such repositories.
var topics = []string{
	"claude-code-plugin", "claude-code-plugins", "claude-code-marketplace", "claude-code-plugin-marketplace",
	"claude-plugin", "claude-plugins", "claude-plugin-marketplace", "claude-code-plugins-marketplace",
}

// method is one way to find marketplaces by a search.
type method struct {
	name    string
	queries []string
	space   func(startedAt time.Time) space
	ask     func(c Client) func(ctx context.Context, query string, page int) (github.Page, error)
	// sure says that a result is a marketplace; any other is only a repository
	// to look at.
	sure func(github.Hit) bool
	// takes says which results count as repositories to look at.
	takes func(github.Hit) bool
}

// methods are tried in this order: the surest first.
var methods = []method{
	{
		name: plugpack.MainDiscovery, queries: []string{"filename:marketplace.json path:.claude-plugin"},
		space: func(time.Time) space { return codeSpace("category", "homepage", "license", "keywords", "strict") },
		ask:   code, sure: isManifest, takes: isManifest,
	},
	{
		name: "code-search:plugin.json", queries: []string{"filename:plugin.json path:.claude-plugin"},
		space: func(time.Time) space { return codeSpace("license", "homepage", "repository", "keywords", "email") },
		ask:   code, sure: never, takes: always,
	},
	{name: "topics", queries: topicQueries(), space: repositorySpace, ask: repositories, sure: never, takes: always},
}

func code(c Client) func(context.Context, string, int) (github.Page, error) { return c.SearchCode }

func repositories(c Client) func(context.Context, string, int) (github.Page, error) {
	return c.SearchRepositories
}

// isManifest leaves out templates and fixtures deeper in a repository, which no
// client reads.
func isManifest(h github.Hit) bool { return h.Path == manifest }

func never(github.Hit) bool { return false }

func always(github.Hit) bool { return true }

func topicQueries() (queries []string) {
	for _, t := range topics {
		queries = append(queries, "topic:"+t)
	}
	return queries
}
