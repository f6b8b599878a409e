-- +goose Up

-- What the real client makes of a plugin, what that costs and what it needs.
-- Null where the plugin was last read by a scraper that did not tell.
ALTER TABLE plugin_facts
    ADD COLUMN files        integer NOT NULL DEFAULT 0,
    ADD COLUMN bytes        bigint NOT NULL DEFAULT 0,
    ADD COLUMN requirements jsonb,
    ADD COLUMN verdicts     jsonb,
    ADD COLUMN costs        jsonb;
