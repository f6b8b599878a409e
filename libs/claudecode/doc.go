// Package claudecode says what the real client makes of marketplaces and
// plugins: its three verdicts (the author's "plugin validate", "marketplace
// add", and install with load) and its own estimate of what a plugin costs.
//
// It is pure: input is an fs.FS or bytes, and the same input gives the same
// output. The rules were found by running client 2.1.197 on more than a thousand
// small cases; what newer clients do differently is data in their Profile, never
// a branch on a version. Manifests come from strangers: every read and every
// count is bounded.
package claudecode
