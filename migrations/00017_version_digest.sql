-- +goose Up

-- What plugin_versions has the current version under: the digest of the tree, or
-- of the tree and of what the marketplace's entry adds.
ALTER TABLE plugin_facts ADD COLUMN version_digest text NOT NULL DEFAULT '' CHECK (length(version_digest) <= 64);
UPDATE plugin_facts SET version_digest = digest;
