-- +goose Up

-- What lists, counts and searches look at: a row for each plugin that readers
-- may see, with copies of all they filter, sort and match by, so that each
-- query is answered from one table and its indexes. The catalog writes a row
-- anew in the transaction that changes what it copies (index.go).
CREATE TABLE plugin_index (
    plugin_id        uuid PRIMARY KEY REFERENCES plugins,
    twin             text NOT NULL, -- the same for all listings of one origin under one name
    -- The one listing of its twins that a search shows.
    principal        boolean NOT NULL DEFAULT true,
    name             text COLLATE "C" NOT NULL, -- lower case
    marketplace      text NOT NULL, -- its key
    marketplace_name text NOT NULL,
    owner            text NOT NULL, -- lower case
    category         text NOT NULL,
    license          text NOT NULL, -- the plugin's, else the repository's
    counts           jsonb NOT NULL, -- number of components by kind
    maintenance      text NOT NULL,
    featured         boolean NOT NULL,
    verified         boolean NOT NULL,
    stars            integer NOT NULL,
    score            integer NOT NULL, -- 0 to 100; -1 where there is no report
    trend            real NOT NULL, -- see docs/search.md
    weight           real NOT NULL, -- what a search adds to the match itself
    first_seen       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    names            tsvector NOT NULL, -- words of the names alone
    headline         tsvector NOT NULL, -- what matches are ranked by: short, so that it stays in the row
    search           tsvector NOT NULL  -- all that can be found
);
CREATE INDEX plugin_index_list ON plugin_index (featured DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_stars ON plugin_index (stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_updated ON plugin_index (updated_at DESC, plugin_id DESC);
CREATE INDEX plugin_index_name ON plugin_index (name, plugin_id);
CREATE INDEX plugin_index_score ON plugin_index (score DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_trend ON plugin_index (trend DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_weight ON plugin_index (weight DESC, plugin_id DESC) WHERE principal;
CREATE INDEX plugin_index_category ON plugin_index (category, featured DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_owner ON plugin_index (owner, featured DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_license ON plugin_index (lower(license), featured DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_marketplace ON plugin_index (marketplace);
CREATE INDEX plugin_index_marketplace_name ON plugin_index (marketplace_name);
CREATE INDEX plugin_index_twin ON plugin_index (twin);
CREATE INDEX plugin_index_counts ON plugin_index USING gin (counts) WITH (fastupdate = off);
CREATE INDEX plugin_index_names ON plugin_index USING gin (names) WITH (fastupdate = off);
CREATE INDEX plugin_index_search ON plugin_index USING gin (search) WITH (fastupdate = off);

-- How many rows of plugin_index have a value, so that totals and facets are
-- never counted when they are asked for.
CREATE TABLE facet_counts (
    kind text NOT NULL,
    key  text NOT NULL,
    n    integer NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX facet_counts_most ON facet_counts (kind, n DESC, key) WHERE n > 0;

-- A repository's figures, one row a day, for what is trending.
CREATE TABLE repository_stats (
    repository_id uuid NOT NULL REFERENCES repositories,
    day           date NOT NULL,
    stars         integer NOT NULL,
    forks         integer NOT NULL,
    open_issues   integer NOT NULL,
    PRIMARY KEY (repository_id, day)
);

-- Derived tables: which definition of each the database holds, and of when.
CREATE TABLE derived (
    name    text PRIMARY KEY,
    version integer NOT NULL,
    made_at timestamptz NOT NULL
);

-- Nothing reads these any more. The column goes when no old catalog runs.
ALTER TABLE plugin_facts ALTER COLUMN search SET DEFAULT ''::tsvector;
DROP INDEX plugin_facts_search;
DROP INDEX plugin_facts_category;
DROP INDEX plugin_facts_has;
DROP INDEX plugins_list;
DROP INDEX plugins_stars;
DROP INDEX plugins_updated;
DROP INDEX plugins_name;
