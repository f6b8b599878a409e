-- +goose Up

-- How complete the last search for marketplaces by each method was.
CREATE TABLE discoveries (
    method      text PRIMARY KEY CHECK (length(method) BETWEEN 1 AND 128),
    found       integer NOT NULL CHECK (found >= 0),
    total       integer NOT NULL CHECK (total >= 0), -- as the host itself counts
    slices      integer NOT NULL CHECK (slices >= 0),
    incomplete  boolean NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL
);

-- The method that found the marketplace; '' where it was named.
ALTER TABLE marketplaces ADD COLUMN found_by text NOT NULL DEFAULT '' CHECK (length(found_by) <= 128);
