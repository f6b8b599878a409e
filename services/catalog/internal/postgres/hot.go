package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Hot says how many plugins are to be hot: above Most the floor rises, below
// Least it sinks, until there are Enough.
type Hot struct{ Least, Enough, Most int }

// DefaultHot is few enough that to collect all hot matches of the most common
// word is a matter of milliseconds, and enough that a word which one plugin in
// thirty has fills a search's window from them alone.
var DefaultHot = Hot{Least: 10_000, Enough: 15_000, Most: 20_000}

// hotStep is how many plugins change sides in one transaction.
const hotStep = 500

const (
	countHot = `SELECT count(*) FROM plugin_index WHERE hot`

	// The floor rises to the first that stays hot, and sinks to the last that
	// becomes so.
	floorAbove = `SELECT weight, plugin_id::text FROM plugin_index WHERE hot ORDER BY weight, plugin_id OFFSET $1 LIMIT 1`
	floorBelow = `
		SELECT weight, plugin_id::text
		FROM (SELECT weight, plugin_id FROM plugin_index WHERE NOT hot ORDER BY weight DESC, plugin_id DESC LIMIT $1) i
		ORDER BY weight, plugin_id LIMIT 1`

	moveFloor = `UPDATE hot_floor SET weight = $1, plugin_id = $2::uuid`
	coolDown  = `UPDATE plugin_index SET hot = false WHERE hot AND (weight, plugin_id) < ($1::real, $2::uuid)`
	heatUp    = `UPDATE plugin_index SET hot = true WHERE NOT hot AND (weight, plugin_id) >= ($1::real, $2::uuid)`
)

// RefreshHot moves the floor of the hot plugins if they have become too many or
// too few.
func (s *Store) RefreshHot(ctx context.Context, want Hot) error {
	var hot int
	if err := s.pool.QueryRow(ctx, countHot).Scan(&hot); err != nil {
		return classify("count the hot plugins", err)
	}
	if hot >= want.Least && hot <= want.Most {
		return nil
	}
	for more := true; more; {
		err := s.tx(ctx, "move the floor of the hot plugins", func(tx pgx.Tx) (err error) {
			more, err = stepFloor(ctx, tx, want.Enough)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stepFloor brings the number of hot plugins a step nearer to enough, and says
// whether there is another step to make.
func stepFloor(ctx context.Context, tx pgx.Tx, enough int) (more bool, err error) {
	if _, err := tx.Exec(ctx, lockTwins); err != nil { // who writes the index reads the floor
		return false, err
	}
	var hot int
	if err := tx.QueryRow(ctx, countHot).Scan(&hot); err != nil {
		return false, err
	}
	step, floor, change := min(hot-enough, hotStep), floorAbove, coolDown
	if hot < enough {
		step, floor, change = min(enough-hot, hotStep), floorBelow, heatUp
	}
	var (
		weight float32
		id     string
	)
	err = tx.QueryRow(ctx, floor, step).Scan(&weight, &id)
	if errors.Is(err, pgx.ErrNoRows) { // all are hot
		return false, nil
	}
	if err != nil || step == 0 {
		return false, err
	}
	if _, err := tx.Exec(ctx, moveFloor, weight, id); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, change, weight, id)
	return hot-enough > hotStep || enough-hot > hotStep, err
}
