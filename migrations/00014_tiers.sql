-- +goose Up

-- A search ranks the heaviest of its matches. To find those of a common word
-- among all plugins takes longer the more there are; so it looks in the first
-- tier, which holds the heaviest few thousand, then in the second, then in the
-- rest. A plugin's tier is the number of floors that it is below in the order
-- of (weight, plugin_id). The catalog moves the floors as it grows.
ALTER TABLE plugin_index ADD COLUMN tier smallint NOT NULL DEFAULT 0;
CREATE TABLE tier_floors (
    tier      smallint PRIMARY KEY, -- the one above the floor
    weight    real NOT NULL,
    plugin_id uuid NOT NULL
);
INSERT INTO tier_floors (tier, weight, plugin_id)
VALUES (0, '-infinity', '00000000-0000-0000-0000-000000000000'), (1, '-infinity', '00000000-0000-0000-0000-000000000000');

CREATE INDEX plugin_index_tier ON plugin_index (tier, weight, plugin_id);
CREATE INDEX plugin_index_names_0 ON plugin_index USING gin (names) WITH (fastupdate = on, gin_pending_list_limit = 64) WHERE tier = 0;
CREATE INDEX plugin_index_names_1 ON plugin_index USING gin (names) WITH (fastupdate = on, gin_pending_list_limit = 64) WHERE tier = 1;
CREATE INDEX plugin_index_search_0 ON plugin_index USING gin (search) WITH (fastupdate = on, gin_pending_list_limit = 256) WHERE tier = 0;
CREATE INDEX plugin_index_search_1 ON plugin_index USING gin (search) WITH (fastupdate = on, gin_pending_list_limit = 256) WHERE tier = 1;
