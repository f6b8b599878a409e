-- +goose Up

-- People and their opinions. No scan touches any of this.
CREATE TABLE users (
    id         uuid PRIMARY KEY,
    github_id  bigint NOT NULL UNIQUE,
    login      text NOT NULL CHECK (length(login) BETWEEN 1 AND 100),
    avatar     text NOT NULL CHECK (length(avatar) <= 512),
    roles      text[] NOT NULL DEFAULT '{}' CHECK (roles <@ ARRAY['admin', 'curator']),
    banned     text NOT NULL DEFAULT '' CHECK (length(banned) <= 1000), -- why
    created_at timestamptz NOT NULL
);
CREATE INDEX users_login ON users (lower(login));

CREATE TABLE api_tokens (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    prefix       text NOT NULL UNIQUE,
    hash         bytea NOT NULL, -- SHA-256 of the whole token
    scopes       text[] NOT NULL CHECK (scopes <@ ARRAY['reviews', 'packs', 'submissions', 'admin']),
    expires_at   timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_tokens_user ON api_tokens (user_id);

CREATE TABLE reviews (
    id          uuid PRIMARY KEY,
    plugin_id   uuid NOT NULL REFERENCES plugins,
    user_id     uuid NOT NULL REFERENCES users,
    rating      smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    title       text NOT NULL CHECK (length(title) <= 200),
    body        text NOT NULL CHECK (length(body) <= 5000),
    pro_tip     text NOT NULL CHECK (length(pro_tip) <= 1000),
    gotcha      text NOT NULL CHECK (length(gotcha) <= 1000),
    example_url text NOT NULL CHECK (length(example_url) <= 512),
    frameworks  text[] NOT NULL CHECK (cardinality(frameworks) <= 20),
    team_size   text NOT NULL CHECK (team_size IN ('', 'solo', 'small', 'medium', 'large')),
    digest      text NOT NULL, -- of the version that was reviewed
    version     text NOT NULL,
    state       text NOT NULL CHECK (state IN ('shown', 'held', 'hidden')),
    reason      text NOT NULL DEFAULT '' CHECK (length(reason) <= 1000),
    edition     bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    UNIQUE (plugin_id, user_id)
);
CREATE INDEX reviews_shown ON reviews (plugin_id, created_at DESC, id DESC) WHERE state = 'shown';
CREATE INDEX reviews_held ON reviews (updated_at, id) WHERE state = 'held';

CREATE TABLE review_votes (
    review_id  uuid NOT NULL REFERENCES reviews ON DELETE CASCADE,
    user_id    uuid NOT NULL REFERENCES users,
    kind       text NOT NULL CHECK (kind IN ('helpful', 'report')),
    reason     text NOT NULL CHECK (length(reason) <= 1000),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (review_id, user_id, kind)
);

CREATE TABLE curation (
    plugin_id  uuid PRIMARY KEY REFERENCES plugins,
    featured   boolean NOT NULL,
    verified   boolean NOT NULL,
    official   boolean NOT NULL,
    deprecated text NOT NULL CHECK (length(deprecated) <= 1000),
    hidden     text NOT NULL CHECK (length(hidden) <= 1000),
    updated_at timestamptz NOT NULL
);

-- A copy, so that lists and comparisons need not look elsewhere.
ALTER TABLE plugins ADD COLUMN hidden boolean NOT NULL DEFAULT false;

CREATE TABLE submissions (
    id         uuid PRIMARY KEY,
    user_id    uuid REFERENCES users, -- null: nobody was signed in
    key        text NOT NULL CHECK (length(key) <= 600),
    state      text NOT NULL CHECK (state IN ('queued', 'fetched', 'validated', 'listed', 'rejected')),
    reasons    text[] NOT NULL DEFAULT '{}',
    steps      jsonb NOT NULL,
    scan       text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
-- A repository that waits is not submitted again.
CREATE UNIQUE INDEX submissions_open ON submissions (key) WHERE state NOT IN ('listed', 'rejected');

CREATE TABLE marketplace_owners (
    marketplace_id uuid NOT NULL REFERENCES marketplaces,
    user_id        uuid NOT NULL REFERENCES users,
    proof          text NOT NULL CHECK (proof IN ('login', 'file')),
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (marketplace_id, user_id)
);

-- What people did, for good.
CREATE TABLE audit_log (
    id      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at      timestamptz NOT NULL DEFAULT now(),
    actor   uuid REFERENCES users, -- null: the operator at a command line
    action  text NOT NULL CHECK (length(action) <= 100),
    subject text NOT NULL CHECK (length(subject) <= 800),
    detail  jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_subject ON audit_log (subject, id);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
