package rest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// delivery is what is read of a webhook's body.
type delivery struct {
	Ref        string `json:"ref"`
	Repository struct {
		ID            int64  `json:"id"`
		HTMLURL       string `json:"html_url"`
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
	Commits []pushed `json:"commits"`
	Head    pushed   `json:"head_commit"` // where a branch is new, the only one
}

type pushed struct {
	Added    []string `json:"added"`
	Modified []string `json:"modified"`
}

// webhook takes what GitHub says of a repository: a push to its default branch,
// or a change of the repository itself, has its marketplaces scanned at once. It
// is no operation of the document, as nobody but GitHub can sign for it.
func (h *handlers) webhook(w http.ResponseWriter, r *http.Request) {
	keys, err := h.delivered(r)
	if err != nil {
		api.WriteProblem(w, h.told(r.Context(), "github-webhook", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_ = api.Encode(w, map[string][]plugpack.MarketplaceKey{"scans": append([]plugpack.MarketplaceKey{}, keys...)})
}

// delivered gives the marketplaces that are scanned now.
func (h *handlers) delivered(r *http.Request) ([]plugpack.MarketplaceKey, error) {
	if h.options.WebhookSecret == "" {
		return nil, errs.New(errs.NotFound, "no webhook is awaited here: the hub's operator has to set GITHUB_WEBHOOK_SECRET")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, errs.New(errs.Invalid, "body: it broke off, or has more than %d bytes; the repository is scanned when it is due", maxBody)
	}
	if !h.signed(body, r.Header.Get("X-Hub-Signature-256")) {
		return nil, errs.New(errs.Unauthorized, "X-Hub-Signature-256: it is not by this hub's secret; set the same one in the webhook")
	}
	var d delivery
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, errs.New(errs.Invalid, "body: want what GitHub sends as application/json; choose that content type in the webhook")
	}
	event := r.Header.Get("X-GitHub-Event")
	if event == "repository" || event == "push" && d.Ref == "refs/heads/"+d.Repository.DefaultBranch {
		return h.scanNow(r.Context(), d)
	}
	return nil, nil
}

// signed says whether the signature is of the body by the secret.
func (h *handlers) signed(body []byte, signature string) bool {
	mac := hmac.New(sha256.New, []byte(h.options.WebhookSecret))
	mac.Write(body)
	given, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	return err == nil && hmac.Equal(given, mac.Sum(nil))
}

// scanNow queues scans of the repository's marketplaces. One that nobody knows
// yet counts as submitted when its file is pushed.
func (h *handlers) scanNow(ctx context.Context, d delivery) ([]plugpack.MarketplaceKey, error) {
	key, err := plugpack.ParseMarketplace(d.Repository.HTMLURL, "github.com")
	if err != nil || key.Local() {
		return nil, errs.New(errs.Invalid, "body.repository.html_url: want the address of a repository")
	}
	keys, err := h.store.Pushed(ctx, key, d.Repository.ID, time.Now())
	if err != nil || len(keys) > 0 || !d.brings(claudecode.MarketplaceFile) {
		return keys, err
	}
	sub, err := h.store.Submit(ctx, "", key, time.Now())
	return []plugpack.MarketplaceKey{sub.Key}, err
}

func (d delivery) brings(file string) bool {
	for _, c := range append(d.Commits, d.Head) {
		if slices.Contains(c.Added, file) || slices.Contains(c.Modified, file) {
			return true
		}
	}
	return false
}
