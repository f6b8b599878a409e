-- +goose Up

-- The length of the longest text of a list, for checks: those may ask no query.
-- +goose StatementBegin
CREATE FUNCTION longest(texts text[]) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(max(length(t)), 0) FROM unnest(texts) t
$$;
-- +goose StatementEnd

-- What was longer before it had a bound is cut, or its rows could not change any
-- more.
UPDATE packs SET tags = ARRAY(SELECT left(t, 64) FROM unnest(tags) t) WHERE longest(tags) > 64;
UPDATE pack_plugins SET commands_to_run = ARRAY(SELECT left(c, 500) FROM unnest(commands_to_run) c) WHERE longest(commands_to_run) > 500;
UPDATE reviews SET frameworks = ARRAY(SELECT left(f, 64) FROM unnest(frameworks) f) WHERE longest(frameworks) > 64;
ALTER TABLE packs ADD CONSTRAINT packs_tag_length CHECK (longest(tags) <= 64);
ALTER TABLE pack_plugins ADD CONSTRAINT pack_plugins_command_length CHECK (longest(commands_to_run) <= 500);
ALTER TABLE reviews ADD CONSTRAINT reviews_framework_length CHECK (longest(frameworks) <= 64);
