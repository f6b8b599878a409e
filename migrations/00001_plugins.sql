-- +goose Up

-- What hosts tell of the repositories that marketplaces live in.
CREATE TABLE repositories (
    id             uuid PRIMARY KEY,
    host           text NOT NULL,
    host_id        bigint, -- the host's own number, which a rename keeps; null where it has none
    owner_id       bigint,
    full_name      text NOT NULL CHECK (length(full_name) <= 512),
    description    text NOT NULL DEFAULT '' CHECK (length(description) <= 4096),
    default_branch text NOT NULL DEFAULT '' CHECK (length(default_branch) <= 512),
    license        text NOT NULL DEFAULT '' CHECK (length(license) <= 512),
    topics         text[] NOT NULL DEFAULT '{}',
    stars          integer NOT NULL DEFAULT 0,
    forks          integer NOT NULL DEFAULT 0,
    open_issues    integer NOT NULL DEFAULT 0,
    archived       boolean NOT NULL DEFAULT false,
    pushed_at      timestamptz,
    observed_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX repositories_host_id ON repositories (host, host_id);
CREATE UNIQUE INDEX repositories_name_without_id ON repositories (host, full_name) WHERE host_id IS NULL;

CREATE TABLE marketplaces (
    id            uuid PRIMARY KEY,
    key           text NOT NULL UNIQUE CHECK (length(key) <= 600),
    repository_id uuid UNIQUE REFERENCES repositories, -- null until the first listing
    name          text NOT NULL DEFAULT '' CHECK (length(name) <= 512),
    description   text NOT NULL DEFAULT '' CHECK (length(description) <= 4096),
    owner         jsonb NOT NULL DEFAULT '{}',
    commit_sha    text NOT NULL DEFAULT '',
    entries       integer NOT NULL DEFAULT 0,
    names         text[] NOT NULL DEFAULT '{}', -- of the last complete listing
    skipped       jsonb NOT NULL DEFAULT '[]',
    state         text NOT NULL CHECK (state IN ('pending', 'scanned', 'failed', 'held')),
    last_error    text NOT NULL DEFAULT '' CHECK (length(last_error) <= 4096),
    listed_at     timestamptz, -- of the listing that names came from
    scanned_at    timestamptz, -- of the last listing, applied or held
    failed_at     timestamptz,
    held_names    text[],      -- of a listing that waits for confirmation
    retired_at    timestamptz  -- the key is another repository's, or nobody's any more
);

-- Identity and state. What a scan may overwrite is in plugin_facts.
CREATE TABLE plugins (
    id             uuid PRIMARY KEY,
    marketplace_id uuid NOT NULL REFERENCES marketplaces,
    key            text NOT NULL UNIQUE CHECK (length(key) <= 800),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    slug           text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]+$'),
    revision       bigint NOT NULL,
    observed_at    timestamptz NOT NULL,
    -- Copies that one index needs together for the default order. The stars
    -- follow the repository's in steps, each with a revision.
    featured       boolean NOT NULL DEFAULT false,
    verified       boolean NOT NULL DEFAULT false,
    stars          integer NOT NULL DEFAULT 0,
    successor_id   uuid REFERENCES plugins, -- what took a removed plugin's place
    first_seen     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    removed_at     timestamptz
);
CREATE INDEX plugins_marketplace ON plugins (marketplace_id, name);
CREATE INDEX plugins_list ON plugins (featured DESC, stars DESC, id DESC) WHERE removed_at IS NULL;
CREATE INDEX plugins_stars ON plugins (stars DESC, id DESC) WHERE removed_at IS NULL;
CREATE INDEX plugins_updated ON plugins (updated_at DESC, id DESC) WHERE removed_at IS NULL;
CREATE INDEX plugins_name ON plugins (lower(name) COLLATE "C", id) WHERE removed_at IS NULL;

CREATE TABLE plugin_facts (
    plugin_id    uuid PRIMARY KEY REFERENCES plugins,
    checksum     bytea NOT NULL, -- SHA-256 of the facts as observed
    display_name text NOT NULL CHECK (length(display_name) <= 128),
    description  text NOT NULL CHECK (length(description) <= 4096),
    version      text NOT NULL CHECK (length(version) <= 512),
    author       jsonb NOT NULL,
    homepage     text NOT NULL CHECK (length(homepage) <= 512),
    repository   text NOT NULL CHECK (length(repository) <= 512),
    license      text NOT NULL CHECK (length(license) <= 512),
    category     text NOT NULL CHECK (length(category) <= 512),
    keywords     text[] NOT NULL CHECK (cardinality(keywords) <= 64),
    source       jsonb NOT NULL,
    origin       text NOT NULL CHECK (length(origin) <= 2048),
    state        text NOT NULL CHECK (state IN ('read', 'not read yet', 'missing', 'broken', 'unsupported')),
    state_reason text NOT NULL CHECK (length(state_reason) <= 4096),
    components   jsonb NOT NULL,
    has          text[] NOT NULL, -- kinds of its components
    commit_sha   text NOT NULL,
    digest       text NOT NULL,
    search       tsvector NOT NULL
);
CREATE INDEX plugin_facts_category ON plugin_facts (category);
CREATE INDEX plugin_facts_has ON plugin_facts USING gin (has);
CREATE INDEX plugin_facts_search ON plugin_facts USING gin (search) WITH (fastupdate = off);

-- Keys and slugs that a plugin had before. A slug is never given again.
CREATE TABLE plugin_aliases (
    key         text NOT NULL,
    slug        text NOT NULL,
    plugin_id   uuid NOT NULL REFERENCES plugins,
    observed_at timestamptz NOT NULL, -- when the key was given up
    PRIMARY KEY (key, slug)
);
CREATE INDEX plugin_aliases_slug ON plugin_aliases (slug);
CREATE INDEX plugin_aliases_plugin ON plugin_aliases (plugin_id);

-- Announcements that commit together with the change they announce.
CREATE TABLE outbox (
    id         uuid PRIMARY KEY, -- the message's id
    -- A plugin's rows in the order of its revisions, whatever the clocks say.
    seq        bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    subject    text NOT NULL,
    data       bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
