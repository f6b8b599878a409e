package api

import (
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Version is one content that a plugin has or had.
type Version struct {
	Digest    string    `json:"digest" doc:"Of the version: SHA-256 over path, mode and blob id of the plugin's files, and over what its marketplace's entry adds" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Commit    string    `json:"commit" doc:"At which this content was first seen" example:"3f2c1d9a8b7e6f5d4c3b2a190817263544536271"`
	Version   string    `json:"version,omitempty" doc:"As declared by the author, who may use one word for several contents" example:"1.2.0"`
	FirstSeen time.Time `json:"first_seen"`
	Current   bool      `json:"current" doc:"Whether the plugin has this content now"`
	Files     int       `json:"files" example:"14"`
	Bytes     int64     `json:"bytes" example:"48213"`
}

// VersionDiff says how one version differs from another.
type VersionDiff struct {
	From Version `json:"from"`
	To   Version `json:"to"`
	plugpack.Diff
}

// NewVersion makes the wire form of v.
func NewVersion(v plugpack.Version) Version {
	return Version{
		Digest: v.Digest, Commit: v.Commit, Version: v.Declared, FirstSeen: v.FirstSeen, Current: v.Current,
		Files: v.Contents.Files, Bytes: v.Contents.Bytes,
	}
}

// NewVersionDiff compares two versions of one plugin.
func NewVersionDiff(from, to plugpack.Version) VersionDiff {
	return VersionDiff{From: NewVersion(from), To: NewVersion(to), Diff: plugpack.Compare(from.Contents, to.Contents)}
}
