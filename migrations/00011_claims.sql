-- +goose Up

-- Logins that the repository itself names as its owners.
ALTER TABLE marketplaces ADD COLUMN owners text[] NOT NULL DEFAULT '{}' CHECK (cardinality(owners) <= 20);
