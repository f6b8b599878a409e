-- +goose Up

-- Spelling is corrected to the nearest of these.
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;

-- The words of plugins, as they are written, and how many plugins have each.
-- Written anew in the background; the names' words are all there, others if
-- enough plugins have them.
CREATE TABLE words (
    word text COLLATE "C" PRIMARY KEY,
    ndoc integer NOT NULL
);
CREATE INDEX words_near ON words (left(word, 1), length(word));

ALTER TABLE derived ADD COLUMN size integer NOT NULL DEFAULT 0; -- rows it was made from

-- A text as search reads it: words in small letters between blanks, spelt so
-- that punctuation which tells languages apart stays. searchdoc.Words does the
-- same to what somebody asks. Left to itself, the text parser would take
-- "Node.js" for a host and "a/b" for a file.
CREATE FUNCTION searchable(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT regexp_replace(
        replace(replace(replace(replace(replace(replace(replace(lower(' ' || $1),
            'c++', ' cpp '), 'c#', ' csharp '), 'f#', ' fsharp '), ' .net', ' dotnet'), 'node.js', 'nodejs'), 'next.js', 'nextjs'), 'vue.js', 'vue'),
        '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g')
$$;
