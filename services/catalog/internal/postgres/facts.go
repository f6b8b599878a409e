package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// factsColumns is a row of plugin_facts.
type factsColumns struct {
	PluginID     string                       `json:"plugin_id"`
	Checksum     string                       `json:"checksum"`
	DisplayName  string                       `json:"display_name"`
	Description  string                       `json:"description"`
	Version      string                       `json:"version"`
	Author       plugpack.Person              `json:"author"`
	Homepage     string                       `json:"homepage"`
	Repository   string                       `json:"repository"`
	License      string                       `json:"license"`
	Category     string                       `json:"category"`
	Keywords     []string                     `json:"keywords"`
	Source       plugpack.Source              `json:"source"`
	Origin       string                       `json:"origin"`
	State        plugpack.State               `json:"state"`
	StateReason  string                       `json:"state_reason"`
	Components   []plugpack.Component         `json:"components"`
	Has          []string                     `json:"has"`
	CommitSha    string                       `json:"commit_sha"`
	Digest       string                       `json:"digest"`
	Files        int                          `json:"files"`
	Bytes        int64                        `json:"bytes"`
	Requirements plugpack.Requirements        `json:"requirements"`
	Verdicts     *plugpack.Verdicts           `json:"verdicts"`
	Costs        *plugpack.Costs              `json:"costs"`
	Declared     *plugpack.Declared           `json:"declared"`
	Documents    plugpack.Documents           `json:"documents"`
	Excerpt      *string                      `json:"excerpt"`
	Readme       *string                      `json:"readme"`
	Changelog    *string                      `json:"changelog"`
	Security     *plugpack.Security           `json:"security"`
	Findings     plugpack.FindingCounts       `json:"findings"`
	Quality      *plugpack.Quality            `json:"quality"`
	Scores       map[plugpack.Maintenance]int `json:"scores"`
	// VersionDigest names the version that the plugin is at.
	VersionDigest string `json:"version_digest"`
}

const upsertFacts = `
	INSERT INTO plugin_facts (
		plugin_id, checksum, display_name, description, version, author, homepage, repository, license, category,
		keywords, source, origin, state, state_reason, components, has, commit_sha, digest,
		files, bytes, requirements, verdicts, costs, declared,
		documents, excerpt, readme, changelog, security, findings, quality, scores, version_digest)
	SELECT plugin_id, checksum, display_name, description, version, author, homepage, repository, license, category,
		keywords, source, origin, state, state_reason, components, has, commit_sha, digest,
		files, bytes, requirements, verdicts, costs, declared,
		documents, excerpt, readme, changelog, security, findings, quality, scores, version_digest
	FROM json_populate_recordset(NULL::plugin_facts, $1)
	ON CONFLICT (plugin_id) DO UPDATE SET
		checksum = excluded.checksum, display_name = excluded.display_name, description = excluded.description,
		version = excluded.version, author = excluded.author, homepage = excluded.homepage,
		repository = excluded.repository, license = excluded.license, category = excluded.category,
		keywords = excluded.keywords, source = excluded.source, origin = excluded.origin, state = excluded.state,
		state_reason = excluded.state_reason, components = excluded.components, has = excluded.has,
		commit_sha = excluded.commit_sha, digest = excluded.digest,
		files = excluded.files, bytes = excluded.bytes, requirements = excluded.requirements,
		verdicts = excluded.verdicts, costs = excluded.costs, declared = excluded.declared,
		documents = excluded.documents, excerpt = excluded.excerpt, readme = excluded.readme,
		changelog = excluded.changelog, security = excluded.security, findings = excluded.findings,
		quality = excluded.quality, scores = excluded.scores, version_digest = excluded.version_digest`

func putFacts(ctx context.Context, tx pgx.Tx, changes []change) error {
	rows := make([]factsColumns, len(changes))
	for i, c := range changes {
		f := c.observation.Facts
		rows[i] = factsColumns{
			PluginID: c.plugin.ID, Checksum: `\x` + hex.EncodeToString(c.checksum),
			DisplayName: f.DisplayName, Description: f.Description, Version: f.Version, Author: f.Author, Homepage: f.Homepage,
			Repository: f.Repository, License: f.License, Category: f.Category, Keywords: emptyIfNil(f.Keywords), Source: f.Source,
			Origin: f.Origin, State: f.State, StateReason: f.StateReason, Components: emptyIfNil(f.Components), Has: kinds(f.Components),
			CommitSha: f.Commit, Digest: f.Digest, Files: f.Files, Bytes: f.Bytes, Requirements: f.Requirements,
			Verdicts: f.Verdicts, Costs: f.Costs, Declared: f.Declared, Documents: withoutTexts(f.Documents),
			Excerpt: excerpt(f.Documents.Readme), Readme: textOf(f.Documents.Readme), Changelog: textOf(f.Documents.Changelog),
			Security: f.Security, Findings: f.Security.Counts(), Quality: f.Quality, Scores: scores(f.Quality), VersionDigest: f.VersionDigest(),
		}
	}
	return putRows(ctx, tx, rows, upsertFacts)
}

func kinds(components []plugpack.Component) []string {
	has := []string{}
	for _, k := range plugpack.ComponentKinds {
		if slices.ContainsFunc(components, func(c plugpack.Component) bool { return c.Kind == k }) {
			has = append(has, string(k))
		}
	}
	return has
}

// factsChecksum leaves out the commit: a plugin that a commit did not touch is
// the same plugin.
func factsChecksum(f plugpack.Facts) ([]byte, error) {
	f.Commit = ""
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode facts: %w", err)
	}
	sum := sha256.Sum256(b)
	return sum[:], nil
}
