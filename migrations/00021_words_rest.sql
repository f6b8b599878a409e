-- +goose Up

-- A slip in a word's first letter leaves the rest of it.
CREATE INDEX words_rest ON words (substr(word, 2));
