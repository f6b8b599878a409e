-- +goose Up

-- A search ranks the heaviest of its matches. To find those of a common word
-- among all plugins takes longer the more there are; among the heaviest some
-- thousand it does not. hot marks these: all from the floor on, in the order
-- of (weight, plugin_id). The catalog moves the floor as it grows.
ALTER TABLE plugin_index ADD COLUMN hot boolean NOT NULL DEFAULT true;
CREATE TABLE hot_floor (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    weight    real NOT NULL,
    plugin_id uuid NOT NULL
);
INSERT INTO hot_floor (weight, plugin_id) VALUES ('-infinity', '00000000-0000-0000-0000-000000000000');

CREATE INDEX plugin_index_hot ON plugin_index (weight, plugin_id) WHERE hot;
CREATE INDEX plugin_index_hot_names ON plugin_index USING gin (names) WITH (fastupdate = on, gin_pending_list_limit = 64) WHERE hot;
CREATE INDEX plugin_index_hot_search ON plugin_index USING gin (search) WITH (fastupdate = on, gin_pending_list_limit = 256) WHERE hot;
