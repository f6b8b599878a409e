-- The schema after all migrations, for readers. Written by make schema.

CREATE TABLE api_tokens (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL,
    scopes text[] NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_tokens_prefix_key UNIQUE (prefix),
    CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT api_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id),
    CONSTRAINT api_tokens_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT api_tokens_scopes_check CHECK ((scopes <@ ARRAY['reviews'::text, 'packs'::text, 'submissions'::text, 'admin'::text]))
);
CREATE INDEX api_tokens_user ON public.api_tokens USING btree (user_id);

CREATE TABLE audit_log (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    at timestamp with time zone NOT NULL DEFAULT now(),
    actor uuid,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'::jsonb,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id),
    CONSTRAINT audit_log_actor_fkey FOREIGN KEY (actor) REFERENCES users(id),
    CONSTRAINT audit_log_action_check CHECK ((length(action) <= 100)),
    CONSTRAINT audit_log_subject_check CHECK ((length(subject) <= 800))
);
CREATE INDEX audit_log_subject ON public.audit_log USING btree (subject, id);

CREATE TABLE curation (
    plugin_id uuid NOT NULL,
    featured boolean NOT NULL,
    verified boolean NOT NULL,
    official boolean NOT NULL,
    deprecated text NOT NULL,
    hidden text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT curation_pkey PRIMARY KEY (plugin_id),
    CONSTRAINT curation_plugin_id_fkey FOREIGN KEY (plugin_id) REFERENCES plugins(id),
    CONSTRAINT curation_deprecated_check CHECK ((length(deprecated) <= 1000)),
    CONSTRAINT curation_hidden_check CHECK ((length(hidden) <= 1000))
);

CREATE TABLE derived (
    name text NOT NULL,
    version integer NOT NULL,
    made_at timestamp with time zone NOT NULL,
    size integer NOT NULL DEFAULT 0,
    CONSTRAINT derived_pkey PRIMARY KEY (name)
);

CREATE TABLE discoveries (
    method text NOT NULL,
    found integer NOT NULL,
    total integer NOT NULL,
    slices integer NOT NULL,
    incomplete boolean NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    CONSTRAINT discoveries_pkey PRIMARY KEY (method),
    CONSTRAINT discoveries_found_check CHECK ((found >= 0)),
    CONSTRAINT discoveries_method_check CHECK (((length(method) >= 1) AND (length(method) <= 128))),
    CONSTRAINT discoveries_slices_check CHECK ((slices >= 0)),
    CONSTRAINT discoveries_total_check CHECK ((total >= 0))
);

CREATE TABLE facet_counts (
    kind text NOT NULL,
    key text NOT NULL,
    n integer NOT NULL,
    CONSTRAINT facet_counts_pkey PRIMARY KEY (kind, key)
);
CREATE INDEX facet_counts_most ON public.facet_counts USING btree (kind, n DESC, key) WHERE (n > 0);

CREATE TABLE marketplace_files (
    digest text NOT NULL,
    subject text NOT NULL,
    body bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT marketplace_files_pkey PRIMARY KEY (digest),
    CONSTRAINT marketplace_files_digest_check CHECK ((digest ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT marketplace_files_subject_check CHECK ((length(subject) <= 600))
);

CREATE TABLE marketplace_owners (
    marketplace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    proof text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT marketplace_owners_pkey PRIMARY KEY (marketplace_id, user_id),
    CONSTRAINT marketplace_owners_marketplace_id_fkey FOREIGN KEY (marketplace_id) REFERENCES marketplaces(id),
    CONSTRAINT marketplace_owners_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id),
    CONSTRAINT marketplace_owners_proof_check CHECK ((proof = ANY (ARRAY['login'::text, 'file'::text])))
);

CREATE TABLE marketplaces (
    id uuid NOT NULL,
    key text NOT NULL,
    repository_id uuid,
    name text NOT NULL DEFAULT ''::text,
    description text NOT NULL DEFAULT ''::text,
    owner jsonb NOT NULL DEFAULT '{}'::jsonb,
    commit_sha text NOT NULL DEFAULT ''::text,
    entries integer NOT NULL DEFAULT 0,
    names text[] NOT NULL DEFAULT '{}'::text[],
    skipped jsonb NOT NULL DEFAULT '[]'::jsonb,
    state text NOT NULL,
    last_error text NOT NULL DEFAULT ''::text,
    listed_at timestamp with time zone,
    scanned_at timestamp with time zone,
    failed_at timestamp with time zone,
    held_names text[],
    retired_at timestamp with time zone,
    found_by text NOT NULL DEFAULT ''::text,
    gone_at timestamp with time zone,
    owners text[] NOT NULL DEFAULT '{}'::text[],
    opted_out_at timestamp with time zone,
    named_at timestamp with time zone,
    CONSTRAINT marketplaces_key_key UNIQUE (key),
    CONSTRAINT marketplaces_repository_id_key UNIQUE (repository_id),
    CONSTRAINT marketplaces_pkey PRIMARY KEY (id),
    CONSTRAINT marketplaces_repository_id_fkey FOREIGN KEY (repository_id) REFERENCES repositories(id),
    CONSTRAINT marketplaces_description_check CHECK ((length(description) <= 4096)),
    CONSTRAINT marketplaces_found_by_check CHECK ((length(found_by) <= 128)),
    CONSTRAINT marketplaces_key_check CHECK ((length(key) <= 600)),
    CONSTRAINT marketplaces_last_error_check CHECK ((length(last_error) <= 4096)),
    CONSTRAINT marketplaces_name_check CHECK ((length(name) <= 512)),
    CONSTRAINT marketplaces_owners_check CHECK ((cardinality(owners) <= 20)),
    CONSTRAINT marketplaces_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'scanned'::text, 'failed'::text, 'held'::text])))
);

CREATE TABLE opt_outs (
    name text NOT NULL,
    reason text NOT NULL DEFAULT ''::text,
    since timestamp with time zone NOT NULL,
    host text NOT NULL DEFAULT ''::text,
    host_id bigint,
    CONSTRAINT opt_outs_pkey PRIMARY KEY (name),
    CONSTRAINT opt_outs_host_check CHECK ((length(host) <= 512)),
    CONSTRAINT opt_outs_host_id_check CHECK ((host_id > 0)),
    CONSTRAINT opt_outs_name_check CHECK (((length(name) >= 1) AND (length(name) <= 512))),
    CONSTRAINT opt_outs_reason_check CHECK ((length(reason) <= 4096))
);
CREATE INDEX opt_outs_host_id ON public.opt_outs USING btree (host, host_id);

CREATE TABLE outbox (
    id uuid NOT NULL,
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    subject text NOT NULL,
    data bytea NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT outbox_seq_key UNIQUE (seq),
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
);

CREATE TABLE pack_plugins (
    pack_id uuid NOT NULL,
    plugin_id uuid NOT NULL,
    phase text NOT NULL,
    phase_order integer NOT NULL,
    plugin_order integer NOT NULL,
    description text NOT NULL,
    commands_to_run text[] NOT NULL,
    CONSTRAINT pack_plugins_pkey PRIMARY KEY (pack_id, plugin_id),
    CONSTRAINT pack_plugins_pack_id_fkey FOREIGN KEY (pack_id) REFERENCES packs(id),
    CONSTRAINT pack_plugins_plugin_id_fkey FOREIGN KEY (plugin_id) REFERENCES plugins(id),
    CONSTRAINT pack_plugins_command_length CHECK ((longest(commands_to_run) <= 500)),
    CONSTRAINT pack_plugins_commands_to_run_check CHECK ((cardinality(commands_to_run) <= 20)),
    CONSTRAINT pack_plugins_description_check CHECK ((length(description) <= 2000)),
    CONSTRAINT pack_plugins_phase_check CHECK ((length(phase) <= 100))
);
CREATE INDEX pack_plugins_plugin ON public.pack_plugins USING btree (plugin_id);

CREATE TABLE packs (
    id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    difficulty text NOT NULL,
    tags text[] NOT NULL,
    minutes integer NOT NULL,
    curator text NOT NULL,
    featured boolean NOT NULL DEFAULT false,
    published boolean NOT NULL DEFAULT false,
    edition bigint NOT NULL DEFAULT 1,
    revision bigint NOT NULL DEFAULT 1,
    search tsvector NOT NULL DEFAULT ''::tsvector,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    CONSTRAINT packs_slug_key UNIQUE (slug),
    CONSTRAINT packs_pkey PRIMARY KEY (id),
    CONSTRAINT packs_curator_check CHECK ((length(curator) <= 128)),
    CONSTRAINT packs_description_check CHECK ((length(description) <= 4096)),
    CONSTRAINT packs_difficulty_check CHECK ((difficulty = ANY (ARRAY['beginner'::text, 'intermediate'::text, 'advanced'::text]))),
    CONSTRAINT packs_minutes_check CHECK (((minutes >= 0) AND (minutes <= 10000))),
    CONSTRAINT packs_name_check CHECK (((length(name) >= 1) AND (length(name) <= 128))),
    CONSTRAINT packs_slug_check CHECK (((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND (length(slug) <= 50))),
    CONSTRAINT packs_tag_length CHECK ((longest(tags) <= 64)),
    CONSTRAINT packs_tags_check CHECK ((cardinality(tags) <= 20))
);
CREATE INDEX packs_list ON public.packs USING btree (featured DESC, updated_at DESC, id DESC) WHERE (published AND (removed_at IS NULL));
CREATE INDEX packs_search ON public.packs USING gin (search);

CREATE TABLE plugin_aliases (
    key text NOT NULL,
    slug text NOT NULL,
    plugin_id uuid NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    CONSTRAINT plugin_aliases_pkey PRIMARY KEY (key, slug),
    CONSTRAINT plugin_aliases_plugin_id_fkey FOREIGN KEY (plugin_id) REFERENCES plugins(id)
);
CREATE INDEX plugin_aliases_plugin ON public.plugin_aliases USING btree (plugin_id);
CREATE INDEX plugin_aliases_slug ON public.plugin_aliases USING btree (slug);

CREATE TABLE plugin_facts (
    plugin_id uuid NOT NULL,
    checksum bytea NOT NULL,
    display_name text NOT NULL,
    description text NOT NULL,
    version text NOT NULL,
    author jsonb NOT NULL,
    homepage text NOT NULL,
    repository text NOT NULL,
    license text NOT NULL,
    category text NOT NULL,
    keywords text[] NOT NULL,
    source jsonb NOT NULL,
    origin text NOT NULL,
    state text NOT NULL,
    state_reason text NOT NULL,
    components jsonb NOT NULL,
    has text[] NOT NULL,
    commit_sha text NOT NULL,
    digest text NOT NULL,
    files integer NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    requirements jsonb,
    verdicts jsonb,
    costs jsonb,
    declared jsonb,
    documents jsonb,
    excerpt text,
    readme text,
    changelog text,
    security jsonb,
    findings jsonb,
    quality jsonb,
    scores jsonb,
    version_digest text NOT NULL DEFAULT ''::text,
    CONSTRAINT plugin_facts_pkey PRIMARY KEY (plugin_id),
    CONSTRAINT plugin_facts_plugin_id_fkey FOREIGN KEY (plugin_id) REFERENCES plugins(id),
    CONSTRAINT plugin_facts_category_check CHECK ((length(category) <= 512)),
    CONSTRAINT plugin_facts_changelog_check CHECK ((length(changelog) <= 1048576)),
    CONSTRAINT plugin_facts_description_check CHECK ((length(description) <= 4096)),
    CONSTRAINT plugin_facts_display_name_check CHECK ((length(display_name) <= 128)),
    CONSTRAINT plugin_facts_homepage_check CHECK ((length(homepage) <= 512)),
    CONSTRAINT plugin_facts_keywords_check CHECK ((cardinality(keywords) <= 64)),
    CONSTRAINT plugin_facts_license_check CHECK ((length(license) <= 512)),
    CONSTRAINT plugin_facts_origin_check CHECK ((length(origin) <= 2048)),
    CONSTRAINT plugin_facts_readme_check CHECK ((length(readme) <= 1048576)),
    CONSTRAINT plugin_facts_repository_check CHECK ((length(repository) <= 512)),
    CONSTRAINT plugin_facts_state_check CHECK ((state = ANY (ARRAY['read'::text, 'not read yet'::text, 'missing'::text, 'broken'::text, 'unsupported'::text]))),
    CONSTRAINT plugin_facts_state_reason_check CHECK ((length(state_reason) <= 4096)),
    CONSTRAINT plugin_facts_version_check CHECK ((length(version) <= 512)),
    CONSTRAINT plugin_facts_version_digest_check CHECK ((length(version_digest) <= 64))
);

CREATE TABLE plugin_index (
    plugin_id uuid NOT NULL,
    twin text NOT NULL,
    principal boolean NOT NULL DEFAULT true,
    name text NOT NULL,
    marketplace text NOT NULL,
    marketplace_name text NOT NULL,
    owner text NOT NULL,
    category text NOT NULL,
    license text NOT NULL,
    counts jsonb NOT NULL,
    maintenance text NOT NULL,
    featured boolean NOT NULL,
    verified boolean NOT NULL,
    stars integer NOT NULL,
    score integer NOT NULL,
    trend real NOT NULL,
    weight real NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    names tsvector NOT NULL,
    headline tsvector NOT NULL,
    search tsvector NOT NULL,
    tier smallint NOT NULL DEFAULT 0,
    CONSTRAINT plugin_index_pkey PRIMARY KEY (plugin_id),
    CONSTRAINT plugin_index_plugin_id_fkey FOREIGN KEY (plugin_id) REFERENCES plugins(id)
);
CREATE INDEX plugin_index_category ON public.plugin_index USING btree (category, featured DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_counts ON public.plugin_index USING gin (counts) WITH (fastupdate='on', gin_pending_list_limit='64');
CREATE INDEX plugin_index_license ON public.plugin_index USING btree (lower(license), featured DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_list ON public.plugin_index USING btree (featured DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_marketplace ON public.plugin_index USING btree (marketplace);
CREATE INDEX plugin_index_marketplace_name ON public.plugin_index USING btree (marketplace_name);
CREATE INDEX plugin_index_name ON public.plugin_index USING btree (name, plugin_id);
CREATE INDEX plugin_index_names ON public.plugin_index USING gin (names) WITH (fastupdate='on', gin_pending_list_limit='64');
CREATE INDEX plugin_index_names_0 ON public.plugin_index USING gin (names) WITH (fastupdate='on', gin_pending_list_limit='64') WHERE (tier = 0);
CREATE INDEX plugin_index_names_1 ON public.plugin_index USING gin (names) WITH (fastupdate='on', gin_pending_list_limit='64') WHERE (tier = 1);
CREATE INDEX plugin_index_owner ON public.plugin_index USING btree (owner, featured DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_score ON public.plugin_index USING btree (score DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_search ON public.plugin_index USING gin (search) WITH (fastupdate='on', gin_pending_list_limit='512');
CREATE INDEX plugin_index_search_0 ON public.plugin_index USING gin (search) WITH (fastupdate='on', gin_pending_list_limit='512') WHERE (tier = 0);
CREATE INDEX plugin_index_search_1 ON public.plugin_index USING gin (search) WITH (fastupdate='on', gin_pending_list_limit='512') WHERE (tier = 1);
CREATE INDEX plugin_index_stars ON public.plugin_index USING btree (stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_tier ON public.plugin_index USING btree (tier, weight, plugin_id);
CREATE INDEX plugin_index_trend ON public.plugin_index USING btree (trend DESC, stars DESC, plugin_id DESC);
CREATE INDEX plugin_index_twin ON public.plugin_index USING btree (twin);
CREATE INDEX plugin_index_updated ON public.plugin_index USING btree (updated_at DESC, plugin_id DESC);
CREATE INDEX plugin_index_weight ON public.plugin_index USING btree (weight DESC, plugin_id DESC) WHERE principal;

CREATE TABLE plugin_versions (
    plugin_id uuid NOT NULL,
    digest text NOT NULL,
    commit_sha text NOT NULL,
    version text NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    contents jsonb NOT NULL,
    CONSTRAINT plugin_versions_pkey PRIMARY KEY (plugin_id, digest),
    CONSTRAINT plugin_versions_plugin_id_fkey FOREIGN KEY (plugin_id) REFERENCES plugins(id),
    CONSTRAINT plugin_versions_commit_sha_check CHECK ((length(commit_sha) <= 128)),
    CONSTRAINT plugin_versions_digest_check CHECK (((length(digest) >= 1) AND (length(digest) <= 128))),
    CONSTRAINT plugin_versions_version_check CHECK ((length(version) <= 512))
);
CREATE INDEX plugin_versions_history ON public.plugin_versions USING btree (plugin_id, first_seen DESC, digest DESC);

CREATE TABLE plugins (
    id uuid NOT NULL,
    marketplace_id uuid NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    revision bigint NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    featured boolean NOT NULL DEFAULT false,
    verified boolean NOT NULL DEFAULT false,
    stars integer NOT NULL DEFAULT 0,
    successor_id uuid,
    first_seen timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    score integer NOT NULL DEFAULT '-1'::integer,
    hidden boolean NOT NULL DEFAULT false,
    CONSTRAINT plugins_key_key UNIQUE (key),
    CONSTRAINT plugins_slug_key UNIQUE (slug),
    CONSTRAINT plugins_pkey PRIMARY KEY (id),
    CONSTRAINT plugins_marketplace_id_fkey FOREIGN KEY (marketplace_id) REFERENCES marketplaces(id),
    CONSTRAINT plugins_successor_id_fkey FOREIGN KEY (successor_id) REFERENCES plugins(id),
    CONSTRAINT plugins_key_check CHECK ((length(key) <= 800)),
    CONSTRAINT plugins_name_check CHECK (((length(name) >= 1) AND (length(name) <= 128))),
    CONSTRAINT plugins_score_check CHECK (((score >= '-1'::integer) AND (score <= 100))),
    CONSTRAINT plugins_slug_check CHECK ((slug ~ '^[a-z0-9-]+$'::text))
);
CREATE INDEX plugins_marketplace ON public.plugins USING btree (marketplace_id, name);
CREATE INDEX plugins_successor ON public.plugins USING btree (successor_id) WHERE (successor_id IS NOT NULL);

CREATE TABLE repositories (
    id uuid NOT NULL,
    host text NOT NULL,
    host_id bigint,
    owner_id bigint,
    full_name text NOT NULL,
    description text NOT NULL DEFAULT ''::text,
    default_branch text NOT NULL DEFAULT ''::text,
    license text NOT NULL DEFAULT ''::text,
    topics text[] NOT NULL DEFAULT '{}'::text[],
    stars integer NOT NULL DEFAULT 0,
    forks integer NOT NULL DEFAULT 0,
    open_issues integer NOT NULL DEFAULT 0,
    archived boolean NOT NULL DEFAULT false,
    pushed_at timestamp with time zone,
    observed_at timestamp with time zone NOT NULL,
    opted_out_at timestamp with time zone,
    maintenance text NOT NULL DEFAULT 'unknown'::text,
    release text NOT NULL DEFAULT ''::text,
    released_at timestamp with time zone,
    CONSTRAINT repositories_pkey PRIMARY KEY (id),
    CONSTRAINT repositories_default_branch_check CHECK ((length(default_branch) <= 512)),
    CONSTRAINT repositories_description_check CHECK ((length(description) <= 4096)),
    CONSTRAINT repositories_full_name_check CHECK ((length(full_name) <= 512)),
    CONSTRAINT repositories_license_check CHECK ((length(license) <= 512)),
    CONSTRAINT repositories_maintenance_check CHECK ((maintenance = ANY (ARRAY['active'::text, 'maintained'::text, 'slow'::text, 'stale'::text, 'archived'::text, 'unknown'::text]))),
    CONSTRAINT repositories_release_check CHECK ((length(release) <= 512))
);
CREATE UNIQUE INDEX repositories_host_id ON public.repositories USING btree (host, host_id);
CREATE UNIQUE INDEX repositories_name_without_id ON public.repositories USING btree (host, full_name) WHERE (host_id IS NULL);

CREATE TABLE repository_stats (
    repository_id uuid NOT NULL,
    day date NOT NULL,
    stars integer NOT NULL,
    forks integer NOT NULL,
    open_issues integer NOT NULL,
    CONSTRAINT repository_stats_pkey PRIMARY KEY (repository_id, day),
    CONSTRAINT repository_stats_repository_id_fkey FOREIGN KEY (repository_id) REFERENCES repositories(id)
);

CREATE TABLE review_votes (
    review_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT review_votes_pkey PRIMARY KEY (review_id, user_id, kind),
    CONSTRAINT review_votes_review_id_fkey FOREIGN KEY (review_id) REFERENCES reviews(id) ON DELETE CASCADE,
    CONSTRAINT review_votes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id),
    CONSTRAINT review_votes_kind_check CHECK ((kind = ANY (ARRAY['helpful'::text, 'report'::text]))),
    CONSTRAINT review_votes_reason_check CHECK ((length(reason) <= 1000))
);

CREATE TABLE reviews (
    id uuid NOT NULL,
    plugin_id uuid NOT NULL,
    user_id uuid NOT NULL,
    rating smallint NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    pro_tip text NOT NULL,
    gotcha text NOT NULL,
    example_url text NOT NULL,
    frameworks text[] NOT NULL,
    team_size text NOT NULL,
    digest text NOT NULL,
    version text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL DEFAULT ''::text,
    edition bigint NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT reviews_plugin_id_user_id_key UNIQUE (plugin_id, user_id),
    CONSTRAINT reviews_pkey PRIMARY KEY (id),
    CONSTRAINT reviews_plugin_id_fkey FOREIGN KEY (plugin_id) REFERENCES plugins(id),
    CONSTRAINT reviews_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id),
    CONSTRAINT reviews_body_check CHECK ((length(body) <= 5000)),
    CONSTRAINT reviews_example_url_check CHECK ((length(example_url) <= 512)),
    CONSTRAINT reviews_framework_length CHECK ((longest(frameworks) <= 64)),
    CONSTRAINT reviews_frameworks_check CHECK ((cardinality(frameworks) <= 20)),
    CONSTRAINT reviews_gotcha_check CHECK ((length(gotcha) <= 1000)),
    CONSTRAINT reviews_pro_tip_check CHECK ((length(pro_tip) <= 1000)),
    CONSTRAINT reviews_rating_check CHECK (((rating >= 1) AND (rating <= 5))),
    CONSTRAINT reviews_reason_check CHECK ((length(reason) <= 1000)),
    CONSTRAINT reviews_state_check CHECK ((state = ANY (ARRAY['shown'::text, 'held'::text, 'hidden'::text]))),
    CONSTRAINT reviews_team_size_check CHECK ((team_size = ANY (ARRAY[''::text, 'solo'::text, 'small'::text, 'medium'::text, 'large'::text]))),
    CONSTRAINT reviews_title_check CHECK ((length(title) <= 200))
);
CREATE INDEX reviews_held ON public.reviews USING btree (updated_at, id) WHERE (state = 'held'::text);
CREATE INDEX reviews_shown ON public.reviews USING btree (plugin_id, created_at DESC, id DESC) WHERE (state = 'shown'::text);

CREATE TABLE submissions (
    id uuid NOT NULL,
    user_id uuid,
    key text NOT NULL,
    state text NOT NULL,
    reasons text[] NOT NULL DEFAULT '{}'::text[],
    steps jsonb NOT NULL,
    scan text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT submissions_pkey PRIMARY KEY (id),
    CONSTRAINT submissions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id),
    CONSTRAINT submissions_key_check CHECK ((length(key) <= 600)),
    CONSTRAINT submissions_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'fetched'::text, 'validated'::text, 'listed'::text, 'rejected'::text])))
);
CREATE UNIQUE INDEX submissions_open ON public.submissions USING btree (key) WHERE (state <> ALL (ARRAY['listed'::text, 'rejected'::text]));

CREATE TABLE tier_floors (
    tier smallint NOT NULL,
    weight real NOT NULL,
    plugin_id uuid NOT NULL,
    CONSTRAINT tier_floors_pkey PRIMARY KEY (tier)
);

CREATE TABLE users (
    id uuid NOT NULL,
    github_id bigint NOT NULL,
    login text NOT NULL,
    avatar text NOT NULL,
    roles text[] NOT NULL DEFAULT '{}'::text[],
    banned text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT users_github_id_key UNIQUE (github_id),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_avatar_check CHECK ((length(avatar) <= 512)),
    CONSTRAINT users_banned_check CHECK ((length(banned) <= 1000)),
    CONSTRAINT users_login_check CHECK (((length(login) >= 1) AND (length(login) <= 100))),
    CONSTRAINT users_roles_check CHECK ((roles <@ ARRAY['admin'::text, 'curator'::text]))
);
CREATE INDEX users_login ON public.users USING btree (lower(login));

CREATE TABLE words (
    word text NOT NULL,
    ndoc integer NOT NULL,
    CONSTRAINT words_pkey PRIMARY KEY (word)
);
CREATE INDEX words_near ON public.words USING btree ("left"(word, 1), length(word));
CREATE INDEX words_rest ON public.words USING btree (substr(word, 2));
