-- +goose Up

-- An opt-out keeps the repository's number even if no scan knows it yet.
ALTER TABLE opt_outs
    ADD COLUMN host    text NOT NULL DEFAULT '' CHECK (length(host) <= 512),
    ADD COLUMN host_id bigint CHECK (host_id > 0);
CREATE INDEX opt_outs_host_id ON opt_outs (host, host_id);

-- The repository that has this name now is out, though nobody named it so.
ALTER TABLE marketplaces ADD COLUMN opted_out_at timestamptz;

-- Since when the name is this repository's, if it was another's before.
ALTER TABLE marketplaces ADD COLUMN named_at timestamptz;
