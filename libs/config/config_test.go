package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
)

// Base stands for the configuration that all services share.
type Base struct {
	Port  int        `env:"PORT" envDefault:"8000" doc:"Port of the HTTP server." want:"a port from 0 to 65535"`
	Level slog.Level `env:"LOG_LEVEL" envDefault:"info" want:"debug, info, warn or error"`
}

type settings struct {
	Base
	Database config.URL    `env:"DATABASE_URL,required,notEmpty" doc:"The database." want:"an address such as postgres://host/database"`
	Cache    config.URL    `env:"REDIS_URL"`
	Token    config.Secret `env:"GITHUB_TOKEN,required" doc:"Reads repositories."`
	Every    time.Duration `env:"SCAN_INTERVAL" envDefault:"6h"`
	Workers  int           `env:"WORKERS" envDefault:"2"`
	Debug    bool          `env:"DEBUG"`
	Tuning   struct {
		Depth int `env:"DEPTH" envDefault:"3" want:"a depth"`
	}
	Sources  []string `env:"SOURCES"`
	internal int      `env:"INTERNAL"` // what cannot be set is no variable
}

var complete = []string{"DATABASE_URL=postgres://db/plugpack", "GITHUB_TOKEN=hunter2"}

func TestLoad(t *testing.T) {
	t.Parallel()
	var s settings
	err := config.LoadFrom(&s, append(complete, "PORT=9000", "LOG_LEVEL=debug", "SCAN_INTERVAL=90s", "DEBUG=true", "SOURCES=a,b", "WORKERS="))
	if err != nil {
		t.Fatal(err)
	}
	if s.Database != "postgres://db/plugpack" || s.Token != "hunter2" || s.Every != 90*time.Second || !s.Debug || s.Port != 9000 || s.Level != slog.LevelDebug || s.internal != 0 {
		t.Errorf("got %+v", s)
	}
	if s.Workers != 2 {
		t.Errorf("an empty value with a default gives %d, want the default", s.Workers)
	}
	if diff := cmp.Diff([]string{"a", "b"}, s.Sources); diff != "" {
		t.Error(diff)
	}
}

func TestABadValueGivesOneLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"missing", []string{"GITHUB_TOKEN=x"}, "DATABASE_URL is not set: want an address such as postgres://host/database"},
		{"missing without a want", complete[:1], "GITHUB_TOKEN is not set: want a value"},
		{"empty", []string{"GITHUB_TOKEN=x", "DATABASE_URL="}, "DATABASE_URL is empty: want an address such as postgres://host/database"},
		{"several at once name the first", nil, "DATABASE_URL is not set: want an address such as postgres://host/database"},
		{"no number", append(complete, "WORKERS=many"), "WORKERS: want a whole number"},
		{"no duration", append(complete, "SCAN_INTERVAL=6 hours"), "SCAN_INTERVAL: want a duration such as 30s or 6h"},
		{"no number in a struct within", append(complete, "DEPTH=x"), "DEPTH: want a depth"},
		{"no truth value", append(complete, "DEBUG=maybe"), "DEBUG: want true or false"},
		{"no address", append(complete, "REDIS_URL=redis"), "REDIS_URL: want an address such as https://host"},
		{"an address with a secret that cannot be read", append(complete, "REDIS_URL=redis://:hunter2@ho st/%zz"), "REDIS_URL: want an address such as https://host"},
		{"an address without a host", []string{"GITHUB_TOKEN=x", "DATABASE_URL=postgres:///db"}, "DATABASE_URL: want an address such as postgres://host/database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s settings
			err := config.LoadFrom(&s, c.environ)
			if err == nil || err.Error() != c.want || errs.KindOf(err) != errs.Invalid {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestABadValueOfAnEmbeddedStruct(t *testing.T) {
	t.Parallel()
	var s struct{ Embedded }
	err := config.LoadFrom(&s, []string{"PORT=high"})
	if want := "PORT: want a port from 0 to 65535"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := config.LoadFrom(&s, []string{"PORT=70000"}); err == nil || err.Error() != "too high" {
		t.Errorf("the embedded struct's Validate is not asked: %v", err)
	}
	if err := config.LoadFrom(&s, nil); err != nil || s.Port != 8000 {
		t.Errorf("got %d, %v", s.Port, err)
	}
}

// Embedded stands for service.Config.
type Embedded struct {
	Port int `env:"PORT" envDefault:"8000" want:"a port from 0 to 65535"`
}

func (e Embedded) Validate() error {
	if e.Port > 65535 {
		return errors.New("too high")
	}
	return nil
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	s := settings{Database: "postgres://me:hunter2@db/plugpack", Token: "hunter2", Every: time.Hour}
	got := config.Describe(&s)
	var names []string
	for _, v := range got {
		names = append(names, v.Name)
		if strings.Contains(fmt.Sprintf("%+v", v), "hunter2") {
			t.Errorf("%s is not masked: %+v", v.Name, v)
		}
	}
	if diff := cmp.Diff([]string{"PORT", "LOG_LEVEL", "DATABASE_URL", "REDIS_URL", "GITHUB_TOKEN", "SCAN_INTERVAL", "WORKERS", "DEBUG", "DEPTH", "SOURCES"}, names); diff != "" {
		t.Fatalf("variables (-want +got):\n%s", diff)
	}
	want := config.Var{
		Name: "DATABASE_URL", Field: "Database", Doc: "The database.", Want: "an address such as postgres://host/database",
		Required: true, Value: "postgres://me:***@db/plugpack",
	}
	if diff := cmp.Diff(want, got[2]); diff != "" {
		t.Error(diff)
	}
	want = config.Var{Name: "GITHUB_TOKEN", Field: "Token", Doc: "Reads repositories.", Want: "a value", Required: true, Secret: true, Value: "***"}
	if diff := cmp.Diff(want, got[4]); diff != "" {
		t.Error(diff)
	}
	if got[5].Value != "1h0m0s" || got[5].Default != "6h" || got[5].Required {
		t.Errorf("got %+v", got[5])
	}
}

func TestURLMasksItsPasswords(t *testing.T) {
	t.Parallel()
	for in, want := range map[config.URL]string{
		"":                                  "",
		"https://host/path?q=1":             "https://host/path?q=1",
		"postgres://me@host/db":             "postgres://me@host/db",
		"postgres://me:hunter2@host/db?a=b": "postgres://me:***@host/db?a=b",
		"redis://:hunter2@host:6379/0":      "redis://:***@host:6379/0",
		"nats://hunter2@host:4222":          "nats://***@host:4222",
		"postgres:///db?host=/run&password=hunter2&sslpassword=hunter2": "postgres:///db?host=%2Frun&password=***&sslpassword=***",
		"://hunter2": "***",
	} {
		if got := in.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSecretsStayOutOfLogs(t *testing.T) {
	t.Parallel()
	s := struct {
		Token config.Secret
		URL   config.URL
	}{"hunter2", "nats://me:hunter2@host"}
	var b bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&b, nil), slog.NewTextHandler(&b, nil)} {
		slog.New(h).Info("start", "token", s.Token, "url", s.URL, "all", s, "pointer", &s)
	}
	fmt.Fprintf(&b, "%v %+v %#v %s %q %x", s, s, s, s.Token, s.Token, s.Token)
	if err := json.NewEncoder(&b).Encode(s); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "hunter2") || strings.Contains(b.String(), fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("a secret is in print:\n%s", b.String())
	}
	if !strings.Contains(b.String(), `"token":"***","url":"nats://me:***@host"`) {
		t.Errorf("the masks are missing:\n%s", b.String())
	}
	if got := config.Secret("").String(); got != "" {
		t.Errorf("an empty secret prints as %q", got)
	}
}
