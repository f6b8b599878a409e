package searchdoc

import "slices"

// synonyms groups words and short phrases that mean the same to somebody who
// looks for a plugin. Each is in small letters and in one group only. The
// search engine gets them as a setting and the catalog's own search by
// Synonyms, so both find the same.
var synonyms = [][]string{
	{"a11y", "accessibility"},
	{"ai", "artificial intelligence"},
	{"auth", "authentication"},
	{"aws", "amazon web services"},
	{"cd", "continuous delivery", "continuous deployment"},
	{"ci", "continuous integration"},
	{"config", "configuration", "settings"},
	{"cpp", "c++"},
	{"csharp", "c#"},
	{"crawler", "crawling", "scraping", "scraper"},
	{"db", "database"},
	{"deploy", "deployment"},
	{"docs", "documentation"},
	{"e2e", "end to end"},
	{"email", "mail"},
	{"env", "environment"},
	{"gcp", "google cloud"},
	{"gh", "github"},
	{"go", "golang"},
	{"i18n", "internationalization", "localization", "l10n"},
	{"iac", "infrastructure as code"},
	{"js", "javascript"},
	{"k8s", "kubernetes"},
	{"lint", "linter", "linting"},
	{"llm", "language model"},
	{"lsp", "language server"},
	{"mcp", "model context protocol"},
	{"md", "markdown"},
	{"ml", "machine learning"},
	{"mongo", "mongodb"},
	{"node", "nodejs"},
	{"observability", "o11y"},
	{"pentest", "penetration test", "penetration testing"},
	{"perf", "performance"},
	{"postgres", "postgresql"},
	{"pr", "pull request", "merge request"},
	{"py", "python"},
	{"rb", "ruby"},
	{"refactor", "refactoring"},
	{"repo", "repository"},
	{"rs", "rust"},
	{"sec", "security"},
	{"slides", "presentation", "powerpoint"},
	{"tdd", "test driven development"},
	{"tf", "terraform"},
	{"ts", "typescript"},
	{"ui", "user interface"},
	{"ux", "user experience"},
	{"vuln", "vulnerability"},
	{"yml", "yaml"},
}

// Synonyms gives, for each word or phrase that has any, the others that mean
// the same.
func Synonyms() map[string][]string {
	all := make(map[string][]string)
	for _, group := range synonyms {
		for i, word := range group {
			all[word] = slices.Concat(group[:i], group[i+1:])
		}
	}
	return all
}

// stopWords say nothing about a plugin. The list is short: a word that is
// somebody's plugin name must not be in it.
var stopWords = []string{
	"a", "an", "and", "are", "as", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "that", "the", "this", "to", "with", "you", "your",
}
