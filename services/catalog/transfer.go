package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// Export writes what people brought, and no scan brings back, as JSON lines:
// users with their roles, curation, reviews and packs. Tokens are not among it.
func Export(ctx context.Context, db *pgxpool.Pool, log *slog.Logger, w io.Writer) error {
	out := json.NewEncoder(w)
	return postgres.New(db, log).Export(ctx, func(r postgres.Record) error { return out.Encode(r) })
}

// Import takes in what Export wrote, and says how many records it took. Those
// about plugins that the catalog does not have are left out with a word in the
// log; importing twice changes nothing.
func Import(ctx context.Context, db *pgxpool.Pool, log *slog.Logger, r io.Reader) (taken int, err error) {
	store := postgres.New(db, log)
	in := json.NewDecoder(r)
	for line := 1; ; line++ {
		var record postgres.Record
		if err := in.Decode(&record); errors.Is(err, io.EOF) {
			return taken, nil
		} else if err != nil {
			return taken, errs.New(errs.Invalid, "record %d: want JSON as export writes it: %w", line, err)
		}
		err := store.Import(ctx, record, time.Now())
		switch {
		case err == nil:
			taken++
		case errs.KindOf(err) == errs.NotFound || record.Pack != nil && errs.KindOf(err) == errs.Invalid:
			log.WarnContext(ctx, "record left out", "record", line, "err", err)
		default:
			return taken, fmt.Errorf("record %d: %w", line, err)
		}
	}
}
