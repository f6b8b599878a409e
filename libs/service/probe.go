package service

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
)

// probe is the command "health" of every service: it fails unless the process
// that listens on PORT says that it is ready. The images have neither a shell
// nor curl, so the program checks itself.
func probe(ctx context.Context, _ *Process) error {
	var cfg Config
	if err := config.Load(&cfg); err != nil {
		return err
	}
	// Longer than /readyz gives its dependencies, so that its answer is seen.
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/readyz", cfg.Port), nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return errs.New(errs.Unavailable, "nothing answers on port %d: %w", cfg.Port, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return errs.New(errs.Unavailable, "not ready: %s", strings.TrimSpace(string(body)))
	}
	return nil
}
