package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// A content that comes back, or that a newer reader sees more in, keeps its
// place in the history.
const putVersions = `
	INSERT INTO plugin_versions (plugin_id, digest, commit_sha, version, first_seen, contents)
	SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[])
	ON CONFLICT (plugin_id, digest) DO UPDATE SET version = excluded.version, contents = excluded.contents,
		first_seen = least(plugin_versions.first_seen, excluded.first_seen)`

// rememberVersions puts what was seen into the plugins' histories. A plugin
// whose files nobody read has none.
func rememberVersions(ctx context.Context, tx pgx.Tx, changes []change) error {
	var (
		ids, digests, commits, versions []string
		times                           []time.Time
		contents                        []plugpack.Contents
	)
	for _, c := range changes {
		f := c.observation.Facts
		if f.Digest == "" {
			continue
		}
		ids, digests, commits = append(ids, c.plugin.ID), append(digests, f.VersionDigest()), append(commits, f.Commit)
		versions, times, contents = append(versions, f.Version), append(times, c.observation.ObservedAt), append(contents, f.Contents())
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, putVersions, ids, digests, commits, versions, times, contents)
	return err
}

// VersionPosition is a version's place in a plugin's history.
type VersionPosition struct {
	FirstSeen time.Time `json:"t"`
	Digest    string    `json:"d"`
}

const (
	selectVersions = `
		SELECT v.digest, v.commit_sha, v.version, v.first_seen, v.contents, v.digest = f.version_digest AS current
		FROM plugin_versions v JOIN plugin_facts f ON f.plugin_id = v.plugin_id
		WHERE v.plugin_id = $1`
	versionsAfter = selectVersions + `
		AND ($2::timestamptz IS NULL OR (v.first_seen, v.digest) < ($2, $3))
		ORDER BY v.first_seen DESC, v.digest DESC LIMIT $4`
	countVersions = `SELECT count(*) FROM plugin_versions WHERE plugin_id = $1`
	// The version before another one is the newest of those seen earlier.
	oneVersion    = selectVersions + ` AND v.digest = $2`
	currentOne    = selectVersions + ` AND v.digest = f.version_digest`
	versionBefore = selectVersions + ` AND v.digest <> $2 AND v.first_seen <= $3 ORDER BY v.first_seen DESC, v.digest DESC LIMIT 1`
)

type versionColumns struct {
	Digest    string
	CommitSha string
	Version   string
	FirstSeen time.Time
	Contents  plugpack.Contents
	Current   bool
}

func collectVersions(rows pgx.Rows, err error) ([]plugpack.Version, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (plugpack.Version, error) {
		c, err := pgx.RowToStructByName[versionColumns](row)
		return plugpack.Version{
			Digest: c.Digest, Commit: c.CommitSha, Declared: c.Version, FirstSeen: c.FirstSeen.UTC(), Current: c.Current, Contents: c.Contents,
		}, err
	})
}

// Versions gives a plugin's versions, the newest first, and how many there are.
func (s *Store) Versions(ctx context.Context, id string, after *VersionPosition, limit int) (vs []plugpack.Version, total int, err error) {
	if _, err := s.PluginByID(ctx, id); err != nil {
		return nil, 0, err
	}
	var (
		at     *time.Time
		digest string
	)
	if after != nil {
		at, digest = &after.FirstSeen, after.Digest
	}
	if vs, err = collectVersions(s.pool.Query(ctx, versionsAfter, id, at, digest, limit)); err == nil {
		err = s.pool.QueryRow(ctx, countVersions, id).Scan(&total)
	}
	return vs, total, classify("list versions", err)
}

// TwoVersions gives two versions of a plugin to compare. Without to the plugin's
// current one is meant, without from the one before to.
func (s *Store) TwoVersions(ctx context.Context, id, from, to string) (a, b plugpack.Version, err error) {
	if to == "" {
		b, err = s.version(ctx, "there is no version of this plugin, because its files were never read", currentOne, id)
	} else {
		b, err = s.version(ctx, "to: this plugin never had that digest", oneVersion, id, to)
	}
	if err != nil {
		return a, b, err
	}
	if from == "" {
		a, err = s.version(ctx, "from: there is no version before that one", versionBefore, id, b.Digest, b.FirstSeen)
	} else {
		a, err = s.version(ctx, "from: this plugin never had that digest", oneVersion, id, from)
	}
	return a, b, err
}

func (s *Store) version(ctx context.Context, missing, query string, args ...any) (plugpack.Version, error) {
	vs, err := collectVersions(s.pool.Query(ctx, query, args...))
	if err != nil {
		return plugpack.Version{}, classify("read version", err)
	}
	if len(vs) == 0 {
		return plugpack.Version{}, errs.New(errs.NotFound, "%s", missing)
	}
	return vs[0], nil
}
