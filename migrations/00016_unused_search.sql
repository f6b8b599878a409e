-- +goose Up

-- Written and never read: search has a table of its own.
ALTER TABLE plugin_facts DROP COLUMN search;
