package security

import (
	"strings"
	"testing"
)

func TestRedactCommand(t *testing.T) {
	t.Parallel()
	secret := "ghp_" + strings.Repeat("a1B2", 9)
	for in, want := range map[string]string{
		"curl -H 'Authorization: Bearer " + strings.Repeat("x", 20) + "'": "curl -H 'Authorization: Bearer [redacted]'",
		"git clone https://me:" + secret + "@github.com/a/b":              "git clone https://[redacted]@github.com/a/b",
		"run --key " + secret:                     "run --key [redacted]",
		"ping 192.168.1.20 && curl db.internal/x": "ping [private] && curl [private]/x",
		"api_key=$API_KEY run":                    "api_key=$API_KEY run",
		"node server.js --port 8080":              "node server.js --port 8080",
	} {
		if got := RedactCommand(in); got != want {
			t.Errorf("%q is written %q, want %q", in, got, want)
		}
	}
}
