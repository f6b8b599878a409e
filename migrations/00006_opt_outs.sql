-- +goose Up

-- Owners and repositories that are not to be shown, for good.
CREATE TABLE opt_outs (
    name   text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 512), -- owner, owner/repo or host/owner/repo
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 4096),
    since  timestamptz NOT NULL
);

-- An opt-out keeps to the repository, whatever its name becomes.
ALTER TABLE repositories ADD COLUMN opted_out_at timestamptz;

-- Since when a repository that cannot be found any more counts as gone.
ALTER TABLE marketplaces ADD COLUMN gone_at timestamptz;
