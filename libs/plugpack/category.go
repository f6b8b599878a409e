package plugpack

import (
	"slices"
	"strings"
	"unicode"
)

// Categories are those that plugins are sorted into, in alphabetical order. They
// hold the words of the official marketplace and those that many others share.
var Categories = []string{
	"ai", "automation", "business", "communication", "data", "database", "deployment", "design", "development", "documentation",
	"finance", "games", "git", "integration", "learning", "location", "math", "media", "migration", "monitoring", "productivity",
	"project-management", "quality", "research", "security", "testing", "writing",
}

// Categorised is how a plugin came into its category.
type Categorised struct {
	// By is "marketplace" for a word of ours in the marketplace's file, "mapped"
	// for one that means one of ours, and "derived" for one that was found in the
	// plugin's own words.
	By string `json:"by"`
	// Raw is what the marketplace's file says.
	Raw string `json:"raw,omitempty"`
	// Word is what a derived category was found by.
	Word string `json:"word,omitempty"`
}

// meanings are the words that marketplaces use, with the category that each
// means. A word for several of them is not here.
var meanings = wordsOf(map[string]string{
	"ai":                 "ai-ml ml machine-learning ai-agents agents agent llm llms memory prompts prompt-engineering orchestration",
	"automation":         "workflow workflows automations hooks scripting rpa",
	"business":           "marketing business-marketing business-growth sales crm ecommerce hr product operations governance leadership support customer-support compliance legal seo business-operations operations-business growth startup",
	"communication":      "email social-media chat messaging calendar slack meetings notifications communication-social",
	"data":               "analytics data-science data-engineering data-analysis spreadsheets visualization business-intelligence etl",
	"database":           "databases db sql storage data-storage",
	"deployment":         "devops infrastructure cloud ci-cd cicd ci hosting kubernetes containers platform sre infra",
	"design":             "ui ux ui-ux creative frontend-design accessibility a11y design-tools",
	"development":        "languages language coding code developer-tools development-tools dev-tools devtools programming engineering software-engineering utilities utility tools tooling api apis framework frameworks frontend backend fullstack full-stack mobile web web-development blockchain sdk lsp code-intelligence development-skills",
	"documentation":      "docs document documents storage-docs knowledge knowledge-management knowledge-base",
	"finance":            "payments trading accounting fintech financial-services",
	"games":              "gaming game game-development fun entertainment",
	"git":                "version-control github source-control gitops git-workflow",
	"integration":        "integrations mcp mcp-servers connectors external-integrations",
	"learning":           "education teaching tutorial tutorials training",
	"location":           "maps geo geospatial travel",
	"math":               "mathematics statistics",
	"media":              "creative-media video audio image images content content-creation photography music",
	"migration":          "modernization migrations upgrade refactoring legacy-modernization",
	"monitoring":         "observability logging performance metrics debugging reliability",
	"productivity":       "productivity-organization personal-productivity organization note-taking notes personal efficiency",
	"project-management": "planning task-management tasks issue-tracking agile product-management",
	"quality":            "code-quality code-review review linting formatting best-practices",
	"research":           "science scientific academic bioinformatics life-sciences search",
	"security":           "security-tools appsec privacy vulnerability security-testing",
	"testing":            "test tests qa quality-assurance e2e test-automation",
	"writing":            "communication-writing copywriting content-writing blogging translation",
})

// clues are the words that tell a category where a marketplace names none: only
// those that mean one thing.
var clues = wordsOf(map[string]string{
	"ai":                 "llm llms embeddings rag huggingface langchain",
	"automation":         "automation automate automates workflows n8n zapier",
	"business":           "marketing crm sales seo salesforce hubspot",
	"communication":      "slack discord email gmail telegram messaging",
	"data":               "analytics pandas spreadsheet spreadsheets dataset datasets jupyter",
	"database":           "database databases sql postgres postgresql mysql sqlite mongodb redis",
	"deployment":         "deploy deploys deployment kubernetes docker terraform aws azure gcp devops vercel helm",
	"design":             "figma ui ux tailwind css design accessibility",
	"documentation":      "documentation docs readme changelog",
	"finance":            "finance payments stripe invoice invoices trading",
	"games":              "game games gaming unity godot",
	"git":                "git github gitlab commit commits",
	"learning":           "learn learning tutorial teach quiz",
	"math":               "math mathematics theorem",
	"media":              "video audio image images podcast",
	"migration":          "migration migrate migrates modernization",
	"monitoring":         "monitoring observability logs metrics sentry datadog grafana",
	"project-management": "jira linear asana kanban backlog sprint",
	"quality":            "lint linter linting formatter refactor refactoring eslint prettier",
	"research":           "research papers arxiv pubmed bioinformatics",
	"security":           "security vulnerability vulnerabilities secrets pentest owasp cve",
	"testing":            "test tests testing pytest playwright jest tdd e2e",
	"writing":            "writing blog copywriting prose translation",
})

func wordsOf(byCategory map[string]string) map[string]string {
	m := map[string]string{}
	for _, category := range Categories {
		for _, w := range strings.Fields(byCategory[category]) {
			if m[w] == "" {
				m[w] = category
			}
		}
	}
	return m
}

// Categorise gives the category of a plugin that its marketplace sorts under
// raw, "" where nothing tells it. It compares whole words: keywords tell more
// than the name, and the name more than the description.
func Categorise(raw, name string, keywords []string, description string) (string, *Categorised) {
	word := strings.Join(words(raw), "-")
	switch {
	case slices.Contains(Categories, word):
		return word, &Categorised{By: "marketplace", Raw: raw}
	case meanings[word] != "":
		return meanings[word], &Categorised{By: "mapped", Raw: raw}
	}
	for _, texts := range [][]string{keywords, {name}, {description}} {
		if category, clue := derived(texts); category != "" {
			return category, &Categorised{By: "derived", Raw: raw, Word: clue}
		}
	}
	if raw == "" {
		return "", nil
	}
	return "", &Categorised{Raw: raw}
}

// derived gives the category that most words tell, and the first of them; of
// equals the one that is told first.
func derived(texts []string) (best, clue string) {
	count, first, order := map[string]int{}, map[string]string{}, []string{}
	for _, text := range texts {
		for _, w := range words(text) {
			category := clues[w]
			if category == "" && slices.Contains(Categories, w) && w != "development" {
				category = w
			}
			if category == "" {
				continue
			}
			if count[category]++; count[category] == 1 {
				first[category], order = w, append(order, category)
			}
		}
	}
	for _, category := range order {
		if best == "" || count[category] > count[best] {
			best = category
		}
	}
	return best, first[best]
}

// words gives a text's words in lower case.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
