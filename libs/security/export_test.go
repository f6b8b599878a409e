package security

import (
	"testing"
	"testing/fstest"
)

// Samples gives the labelled sets to tests that read them through the reader.
func Samples(t testing.TB) (list []*sample) {
	return append(samples(t, "testdata/develop.txtar"), samples(t, "testdata/heldout.txtar")...)
}

func (s *sample) Name() string        { return s.name }
func (s *sample) Files() fstest.MapFS { return s.fs }
func (s *sample) Secrets() []string   { return s.secrets }

// Kinds are the formats that MadeUp knows and that need no word beside them.
var Kinds = []string{"github", "npm", "aws", "slack", "slackhook", "anthropic", "openai", "google", "gitlab", "sendgrid", "huggingface", "stripe", "telegram", "pypi", "digitalocean", "jwt", "pem"}

// MadeUp gives a token of the kind's form.
func MadeUp(kind string) string { return madeUp("export", kind, 0) }
