package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

type userColumns struct {
	ID        string
	GithubID  int64
	Login     string
	Avatar    string
	Roles     []plugpack.Role
	Banned    string
	CreatedAt time.Time
}

func (c userColumns) noun() plugpack.User {
	return plugpack.User{
		ID: c.ID, GitHubID: c.GithubID, Login: c.Login, Avatar: c.Avatar, Roles: c.Roles, Banned: c.Banned, CreatedAt: c.CreatedAt.UTC(),
	}
}

const returnUser = ` RETURNING id::text, github_id, login, avatar, roles, banned, created_at`

const (
	// A user who renamed himself on GitHub is the same user. The login that he
	// left may be another's by now, and what is given or taken by a login must not
	// be both of theirs.
	signIn = `
		WITH former AS (
			UPDATE users SET login = left(login, 80) || '#' || github_id WHERE lower(login) = lower($3) AND github_id <> $2
		)
		INSERT INTO users (id, github_id, login, avatar, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (github_id) DO UPDATE SET login = excluded.login, avatar = excluded.avatar` + returnUser
	findUser  = `SELECT id::text, github_id, login, avatar, roles, banned, created_at FROM users WHERE github_id = $1`
	setRoles  = `UPDATE users SET roles = $2 WHERE lower(login) = lower($1)` + returnUser
	setBanned = `UPDATE users SET banned = $2 WHERE lower(login) = lower($1)` + returnUser
)

func (s *Store) oneUser(ctx context.Context, q querier, missing, query string, args ...any) (plugpack.User, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return plugpack.User{}, classify("read user", err)
	}
	users, err := pgx.CollectRows(rows, pgx.RowToStructByName[userColumns])
	if err != nil {
		return plugpack.User{}, classify("read user", err)
	}
	if len(users) == 0 {
		return plugpack.User{}, errs.New(errs.NotFound, "%s", missing)
	}
	return users[0].noun(), nil
}

// SignIn gives the user whom GitHub knows by the id, and makes him at first.
func (s *Store) SignIn(ctx context.Context, githubID int64, login, avatar string, at time.Time) (plugpack.User, error) {
	u, err := s.oneUser(ctx, s.pool, "", findUser, githubID)
	if err == nil && u.Login == login && u.Avatar == avatar {
		return u, nil
	}
	return s.oneUser(ctx, s.pool, "the user could not be kept", signIn, uuid.Must(uuid.NewV7()).String(), githubID, login, avatar, at)
}

// SetRoles gives a user exactly the roles.
func (s *Store) SetRoles(ctx context.Context, by Actor, login string, roles []plugpack.Role) (u plugpack.User, err error) {
	err = s.tx(ctx, "set roles of "+login, func(tx pgx.Tx) error {
		if u, err = s.oneUser(ctx, tx, "no user "+login+" has signed in yet", setRoles, login, emptyIfNil(roles)); err != nil {
			return err
		}
		return audit(ctx, tx, by, "user.roles", "user:"+u.Login, map[string]any{"roles": roles})
	})
	return u, err
}

// Ban keeps a user from writing, with a reason; "" lets him write again.
func (s *Store) Ban(ctx context.Context, by Actor, login, reason string) (u plugpack.User, err error) {
	err = s.tx(ctx, "ban "+login, func(tx pgx.Tx) error {
		if u, err = s.oneUser(ctx, tx, "no user "+login+" has signed in yet", setBanned, login, reason); err != nil {
			return err
		}
		return audit(ctx, tx, by, "user.banned", "user:"+u.Login, map[string]any{"reason": reason})
	})
	return u, err
}

// Actor is who changes something: a user's id, or "" for the operator at a
// command line.
type Actor string

const insertAudit = `INSERT INTO audit_log (actor, action, subject, detail) VALUES (nullif($1, '')::uuid, $2, $3, $4)`

// audit writes down what this transaction does, in the transaction.
func audit(ctx context.Context, tx pgx.Tx, by Actor, action, subject string, detail map[string]any) error {
	if detail == nil {
		detail = map[string]any{}
	}
	_, err := tx.Exec(ctx, insertAudit, string(by), action, plugpack.Cut(subject, 800), detail)
	return err
}

const selectAudit = `
	SELECT a.id, a.at, coalesce(u.login, 'system') AS actor, a.action, a.subject, a.detail
	FROM audit_log a LEFT JOIN users u ON u.id = a.actor
	WHERE ($1 = '' OR a.subject = $1) AND ($2::bigint = 0 OR a.id < $2)
	ORDER BY a.id DESC LIMIT $3`

// Audit lists what was done, the newest first: to a subject, or to all.
func (s *Store) Audit(ctx context.Context, subject string, before int64, limit int) ([]plugpack.AuditEntry, error) {
	rows, err := s.pool.Query(ctx, selectAudit, subject, before, limit)
	if err != nil {
		return nil, classify("read audit log", err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByName[plugpack.AuditEntry])
	return entries, classify("read audit log", err)
}

// TokenPrefix begins every API token, so that scanners of leaked secrets know
// it.
const TokenPrefix = "plp_"

// newToken gives the prefix by which a token is found and its whole text.
func newToken() (prefix, token string) {
	b := make([]byte, 38)
	_, _ = rand.Read(b) // it never fails
	prefix = TokenPrefix + hex.EncodeToString(b[:6])
	return prefix, prefix + "_" + base64.RawURLEncoding.EncodeToString(b[6:])
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

const (
	maxTokens   = 50
	lockUser    = `SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE`
	insertToken = `
		INSERT INTO api_tokens (id, user_id, name, prefix, hash, scopes, expires_at, created_at)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8
		WHERE (SELECT count(*) FROM api_tokens WHERE user_id = $2 AND revoked_at IS NULL AND expires_at > $8) < $9`
	listTokens = `
		SELECT id::text, name, prefix, scopes, expires_at, created_at, coalesce(last_used_at, '0001-01-01Z') AS last_used_at
		FROM api_tokens WHERE user_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC, id DESC`
	revokeToken = `UPDATE api_tokens SET revoked_at = $3 WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL`
	findToken   = `
		SELECT u.id::text, u.github_id, u.login, u.avatar, u.roles, u.banned, u.created_at, t.id::text AS token, t.hash, t.scopes,
			coalesce(t.last_used_at, '0001-01-01Z') AS last_used_at
		FROM api_tokens t JOIN users u ON u.id = t.user_id
		WHERE t.prefix = $1 AND t.revoked_at IS NULL AND t.expires_at > $2`
	touchToken = `UPDATE api_tokens SET last_used_at = $2 WHERE id = $1`
)

// CreateToken makes a token of the user's. secret is shown once and not kept.
func (s *Store) CreateToken(ctx context.Context, u plugpack.User, name string, scopes []plugpack.Scope, life time.Duration, at time.Time) (t plugpack.APIToken, secret string, err error) {
	prefix, secret := newToken()
	t = plugpack.APIToken{
		ID: uuid.Must(uuid.NewV7()).String(), Name: name, Prefix: prefix, Scopes: scopes, ExpiresAt: at.Add(life).UTC(), CreatedAt: at.UTC(),
	}
	err = s.tx(ctx, "create token", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockUser, u.ID); err != nil { // or two could both be the last
			return err
		}
		made, err := tx.Exec(ctx, insertToken, t.ID, u.ID, name, prefix, tokenHash(secret), scopes, t.ExpiresAt, at, maxTokens)
		if err != nil {
			return err
		}
		if made.RowsAffected() == 0 {
			return errs.New(errs.Conflict, "you have %d tokens, revoke one first", maxTokens)
		}
		return audit(ctx, tx, Actor(u.ID), "token.created", "token:"+prefix, map[string]any{"scopes": scopes, "expires_at": t.ExpiresAt})
	})
	return t, secret, err
}

// Tokens lists the user's tokens.
func (s *Store) Tokens(ctx context.Context, u plugpack.User) ([]plugpack.APIToken, error) {
	rows, err := s.pool.Query(ctx, listTokens, u.ID)
	if err != nil {
		return nil, classify("list tokens", err)
	}
	ts, err := pgx.CollectRows(rows, pgx.RowToStructByName[plugpack.APIToken])
	return ts, classify("list tokens", err)
}

// RevokeToken ends one of the user's tokens at once.
func (s *Store) RevokeToken(ctx context.Context, u plugpack.User, id string, at time.Time) error {
	return s.tx(ctx, "revoke token", func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, revokeToken, u.ID, id, at)
		if err != nil {
			return err
		}
		if done.RowsAffected() == 0 {
			return errs.New(errs.NotFound, "you have no token with the id %s", id)
		}
		return audit(ctx, tx, Actor(u.ID), "token.revoked", "token:"+id, nil)
	})
}

type tokenColumns struct {
	userColumns
	Token      string
	Hash       []byte
	Scopes     []plugpack.Scope
	LastUsedAt time.Time
}

// TokenUser gives whose a token is, with what it is good for. Its last use is
// written down once a minute, or every request would write.
func (s *Store) TokenUser(ctx context.Context, token string, at time.Time) (plugpack.User, error) {
	refused := errs.New(errs.Unauthorized, "the token is unknown, revoked or expired; make another one at /api/me/tokens")
	prefix, _, ok := strings.Cut(strings.TrimPrefix(token, TokenPrefix), "_")
	if !ok || !strings.HasPrefix(token, TokenPrefix) || len(token) > 100 || !utf8.ValidString(token) {
		return plugpack.User{}, refused
	}
	rows, err := s.pool.Query(ctx, findToken, TokenPrefix+prefix, at)
	if err != nil {
		return plugpack.User{}, classify("read token", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[tokenColumns])
	if err != nil {
		return plugpack.User{}, classify("read token", err)
	}
	if len(found) == 0 || subtle.ConstantTimeCompare(found[0].Hash, tokenHash(token)) != 1 {
		return plugpack.User{}, refused
	}
	if at.Sub(found[0].LastUsedAt) > time.Minute {
		if _, err := s.pool.Exec(ctx, touchToken, found[0].Token, at); err != nil {
			return plugpack.User{}, classify("read token", err)
		}
	}
	u := found[0].noun()
	u.Scopes = emptyIfNil(found[0].Scopes)
	return u, nil
}
