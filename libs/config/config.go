// Package config fills a struct from the environment and describes it.
//
// A field has an `env` tag (github.com/caarlos0/env), a `doc` tag of one
// sentence, and may have a `want` tag that says in a few words which values
// are good. A bad value stops the start with one line that names the variable
// and what it wants. Values of type Secret never appear in print.
package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/plugpack/plugpack/libs/errs"
)

// Secret is a string that prints as "***".
type Secret string

// String masks the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString masks the secret under %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText masks the secret in logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// URL is an address of a server. Its passwords never appear in print; a
// conversion to string gives them.
type URL string

// UnmarshalText accepts an absolute address with a host, or a Unix socket in
// its query as Postgres has it.
func (u *URL) UnmarshalText(b []byte) error {
	p, err := url.Parse(string(b))
	if err != nil || p.Scheme == "" || p.Host == "" && p.Query().Get("host") == "" {
		return errors.New("not an address")
	}
	*u = URL(b)
	return nil
}

// String gives the address with its passwords masked: that of the user, those
// in the query, as Postgres has them, and the token that NATS has for a user.
func (u URL) String() string {
	p, err := url.Parse(string(u))
	if err != nil {
		return "***"
	}
	if _, has := p.User.Password(); has {
		p.User = url.UserPassword(p.User.Username(), "***")
	} else if p.User != nil && (p.Scheme == "nats" || p.Scheme == "tls") {
		p.User = url.User("***")
	}
	q := p.Query()
	for name := range q {
		if strings.Contains(strings.ToLower(name), "password") {
			q.Set(name, "***")
			p.RawQuery = q.Encode()
		}
	}
	return strings.ReplaceAll(p.String(), "%2A%2A%2A", "***")
}

// GoString masks the passwords under %#v.
func (u URL) GoString() string { return strconv.Quote(u.String()) }

// MarshalText masks the passwords in logs.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// Load fills the struct that dst points to from the environment. If *dst has a
// Validate method, it is asked too.
func Load(dst any) error { return LoadFrom(dst, os.Environ()) }

// LoadFrom is Load for an environment of "NAME=value" lines.
func LoadFrom(dst any, environ []string) error {
	err := env.ParseWithOptions(dst, env.Options{Environment: env.ToMap(environ)})
	if err != nil {
		return explain(dst, err)
	}
	if v, ok := dst.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// explain turns the library's report into one line about the first variable.
func explain(dst any, err error) error {
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok || len(all.Errors) == 0 {
		return errs.New(errs.Invalid, "read configuration: %w", err)
	}
	first := all.Errors[0]
	if missing, ok := errors.AsType[env.VarIsNotSetError](first); ok {
		return errs.New(errs.Invalid, "%s is not set: want %s", missing.Key, wanted(dst, missing.Key))
	}
	if empty, ok := errors.AsType[env.EmptyVarError](first); ok {
		return errs.New(errs.Invalid, "%s is empty: want %s", empty.Key, wanted(dst, empty.Key))
	}
	if bad, ok := errors.AsType[env.ParseError](first); ok {
		for _, v := range Describe(dst) {
			if v.Field == bad.Name {
				return errs.New(errs.Invalid, "%s: want %s", v.Name, v.Want)
			}
		}
	}
	return errs.New(errs.Invalid, "read configuration: %w", first)
}

func wanted(dst any, name string) string {
	for _, v := range Describe(dst) {
		if v.Name == name {
			return v.Want
		}
	}
	return "a value"
}

// Var describes one variable.
type Var struct {
	Name     string
	Field    string // the struct field's name
	Doc      string
	Want     string
	Default  string
	Required bool
	Secret   bool
	Value    string // as set now, secrets masked
}

// Describe lists the variables of the struct that cfg is or points to,
// including those of structs in it, in the order of its fields.
func Describe(cfg any) []Var {
	v := reflect.Indirect(reflect.ValueOf(cfg))
	var vars []Var
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue // nor can Load set it
		}
		name, options, _ := strings.Cut(f.Tag.Get("env"), ",")
		if name == "" && f.Type.Kind() == reflect.Struct {
			vars = append(vars, Describe(v.Field(i).Interface())...)
			continue
		}
		if name == "" {
			continue
		}
		vars = append(vars, Var{
			Name: name, Field: f.Name, Doc: f.Tag.Get("doc"), Want: want(f), Default: f.Tag.Get("envDefault"),
			Required: strings.Contains(options, "required") || strings.Contains(options, "notEmpty"),
			Secret:   f.Type == reflect.TypeFor[Secret](),
			Value:    fmt.Sprint(v.Field(i).Interface()),
		})
	}
	return vars
}

func want(f reflect.StructField) string {
	if w := f.Tag.Get("want"); w != "" {
		return w
	}
	switch f.Type.Kind() {
	case reflect.Int, reflect.Int64:
		if f.Type.String() == "time.Duration" {
			return "a duration such as 30s or 6h"
		}
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	}
	if f.Type == reflect.TypeFor[URL]() {
		return "an address such as https://host"
	}
	return "a value"
}
