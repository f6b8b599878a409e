-- +goose Up

-- What plugins bring to read, what a look at their files found, and how good
-- they are. Null where the plugin was last read by a scraper that did not tell.
-- Lists read none of the large columns: readme, changelog, security, quality.
ALTER TABLE plugin_facts
    ADD COLUMN documents jsonb, -- paths, sizes and licence, without the texts
    ADD COLUMN excerpt   text, -- the readme's beginning, for search
    ADD COLUMN readme    text CHECK (length(readme) <= 1048576),
    ADD COLUMN changelog text CHECK (length(changelog) <= 1048576),
    ADD COLUMN security  jsonb,
    ADD COLUMN findings  jsonb, -- counts of the security scan, for lists
    ADD COLUMN quality   jsonb, -- the report on the files, without what time adds
    ADD COLUMN scores    jsonb; -- its score in each state of its repository

-- Whether somebody still looks after the repository. It follows from pushed_at
-- and the time, and the catalog moves it on as time passes.
ALTER TABLE repositories
    ADD COLUMN maintenance text NOT NULL DEFAULT 'unknown'
        CHECK (maintenance IN ('active', 'maintained', 'slow', 'stale', 'archived', 'unknown'));

-- The score in the state that the repository is in now: a copy of one of scores.
-- -1 stands for none, as in plugin_index, where lists sort by it; the API says null.
ALTER TABLE plugins
    ADD COLUMN score integer NOT NULL DEFAULT -1 CHECK (score BETWEEN -1 AND 100);
