-- +goose Up

-- Chinese, Japanese, Thai, Lao, Burmese and Khmer leave no blanks between words,
-- and Korean glues to them what others write apart. Such a run of letters is
-- found by any part of it: every two letters that follow each other become a
-- word, and so do its first and its last. searchdoc has the same letters.
-- Texts of ASCII alone, which most are, cost a comparison of two lengths.
-- +goose StatementBegin
CREATE FUNCTION pairs(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length($1) > length($1) AND $1 ~ letter
        THEN regexp_replace(regexp_replace($1, '(' || letter || '+)', ' \1 ', 'g'), '(' || letter || ')', '\1 \1', 'g')
        ELSE $1 END
    FROM (VALUES ('[\u0e01-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3006\u3041-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff'
        '\u3105-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003134f]')) AS u (letter)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION searchable(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT pairs(regexp_replace(
        replace(replace(replace(replace(replace(replace(replace(lower(' ' || $1),
            'c++', ' cpp '), 'c#', ' csharp '), 'f#', ' fsharp '), ' .net', ' dotnet'), 'node.js', 'nodejs'), 'next.js', 'nextjs'), 'vue.js', 'vue'),
        '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g'))
$$;
-- +goose StatementEnd

UPDATE packs k SET search = setweight(to_tsvector('english', pairs(k.name)), 'A')
    || setweight(to_tsvector('english', pairs(array_to_string(k.tags, ' '))), 'B')
    || setweight(to_tsvector('english', pairs(k.description)), 'C')
    || setweight(to_tsvector('english', pairs(coalesce((
        SELECT string_agg(p.name || ' ' || t.description, ' ') FROM pack_plugins t JOIN plugins p ON p.id = t.plugin_id WHERE t.pack_id = k.id), ''))), 'D');
