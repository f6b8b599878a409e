// Package postgres runs a private PostgreSQL cluster for one machine, from
// server binaries that are already there.
//
// It serves newcomers, for whom the all-in-one program starts everything by
// itself, and tests. Production uses a server of its own through DATABASE_URL:
// this one has no backups, no replicas and no network port.
//
// The rules it keeps:
//
//   - One owner per cluster: a lock beside the folder refuses a second plugpack.
//   - Data is never deleted. A folder that is not ours, or was made by another
//     version, is an error. A new cluster is made beside its place and moved in
//     when it is whole, so that a killed initdb leaves nothing half-done.
//   - Whatever way the last run ended, the next Start works: a server that
//     outlived its plugpack is stopped, stale locks go away.
//   - Nobody else gets in: a Unix socket in a folder that only the server's
//     account may enter, and no port.
//   - Root is dropped, because PostgreSQL refuses it: the server then runs as
//     postgres, or nobody where that account is missing.
package postgres
