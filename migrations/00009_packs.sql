-- +goose Up

-- Curated sets of plugins: people's words, which no scan touches.
CREATE TABLE packs (
    id           uuid PRIMARY KEY,
    slug         text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 50),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    description  text NOT NULL CHECK (length(description) <= 4096),
    difficulty   text NOT NULL CHECK (difficulty IN ('beginner', 'intermediate', 'advanced')),
    tags         text[] NOT NULL CHECK (cardinality(tags) <= 20),
    minutes      integer NOT NULL CHECK (minutes BETWEEN 0 AND 10000),
    curator      text NOT NULL CHECK (length(curator) <= 128),
    featured     boolean NOT NULL DEFAULT false,
    published    boolean NOT NULL DEFAULT false,
    edition      bigint NOT NULL DEFAULT 1, -- what its curators changed
    revision     bigint NOT NULL DEFAULT 1, -- what a reader sees, its plugins too
    search       tsvector NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    removed_at   timestamptz
);
CREATE INDEX packs_list ON packs (featured DESC, updated_at DESC, id DESC) WHERE published AND removed_at IS NULL;
CREATE INDEX packs_search ON packs USING gin (search);

CREATE TABLE pack_plugins (
    pack_id         uuid NOT NULL REFERENCES packs,
    plugin_id       uuid NOT NULL REFERENCES plugins,
    phase           text NOT NULL CHECK (length(phase) <= 100),
    phase_order     integer NOT NULL,
    plugin_order    integer NOT NULL,
    description     text NOT NULL CHECK (length(description) <= 2000),
    commands_to_run text[] NOT NULL CHECK (cardinality(commands_to_run) <= 20),
    PRIMARY KEY (pack_id, plugin_id)
);
CREATE INDEX pack_plugins_plugin ON pack_plugins (plugin_id);

-- Marketplace files that were given out, by the SHA-256 of their bytes: what an
-- address with a digest answers never changes.
CREATE TABLE marketplace_files (
    digest     text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    subject    text NOT NULL CHECK (length(subject) <= 600), -- such as pack:SLUG
    body       bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
