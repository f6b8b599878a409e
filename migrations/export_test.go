package migrations

// Files are the migrations, for a test that stops halfway.
var Files = files
