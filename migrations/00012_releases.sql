-- +goose Up

-- The newest release that the repository's host knows of.
ALTER TABLE repositories
    ADD COLUMN release text NOT NULL DEFAULT '' CHECK (length(release) <= 512),
    ADD COLUMN released_at timestamptz;
