-- +goose Up

-- Whose place a plugin took, which is few.
CREATE INDEX plugins_successor ON plugins (successor_id) WHERE successor_id IS NOT NULL;
