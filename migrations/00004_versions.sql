-- +goose Up

-- One row for each content that a plugin ever had: its history.
CREATE TABLE plugin_versions (
    plugin_id  uuid NOT NULL REFERENCES plugins,
    digest     text NOT NULL CHECK (length(digest) BETWEEN 1 AND 128),
    commit_sha text NOT NULL CHECK (length(commit_sha) <= 128), -- at which it was first seen
    version    text NOT NULL CHECK (length(version) <= 512),    -- as declared
    first_seen timestamptz NOT NULL,
    contents   jsonb NOT NULL, -- what another version is compared with
    PRIMARY KEY (plugin_id, digest)
);
CREATE INDEX plugin_versions_history ON plugin_versions (plugin_id, first_seen DESC, digest DESC);

-- What a marketplace's entry adds to a plugin's own files; null for nothing.
ALTER TABLE plugin_facts ADD COLUMN declared jsonb;
