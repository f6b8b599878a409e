package postgres

import (
	"context"
	"errors"
	"math"

	"github.com/jackc/pgx/v5"
)

// leastTier plugins are in the first tier of any catalog, tierStep change sides
// in one transaction.
const (
	leastTier = 2000
	tierStep  = 500
)

// tierSizes gives how many plugins belong into the first and the second tier.
// The matches of a word that each tier just fails to have a window of are all
// collected from the next. In these proportions that is the same number in all
// of them, so no word takes long: at 100,000 plugins 2,500 matches, and twice
// as many at a million.
func tierSizes(plugins int) [2]int {
	first := max(leastTier, int(math.Cbrt(window*window*float64(plugins))))
	return [2]int{first, first * first / window}
}

const (
	countTier = `SELECT count(*) FROM plugin_index WHERE tier = $1`

	// The floor rises to the first that stays above it, and sinks to the last
	// that comes above it.
	floorAbove = `SELECT weight, plugin_id::text FROM plugin_index WHERE tier = $1 ORDER BY weight, plugin_id OFFSET $2 LIMIT 1`
	floorBelow = `
		SELECT weight, plugin_id::text
		FROM (SELECT weight, plugin_id FROM plugin_index WHERE tier = $1 + 1 ORDER BY weight DESC, plugin_id DESC LIMIT $2) i
		ORDER BY weight, plugin_id LIMIT 1`

	moveFloor = `UPDATE tier_floors SET weight = $2, plugin_id = $3::uuid WHERE tier = $1`
	goBelow   = `UPDATE plugin_index SET tier = $1 + 1 WHERE tier = $1 AND (weight, plugin_id) < ($2::real, $3::uuid)`
	comeAbove = `UPDATE plugin_index SET tier = $1 WHERE tier = $1 + 1 AND (weight, plugin_id) >= ($2::real, $3::uuid)`
)

// RefreshTiers moves the floors of the tiers that have come to hold a third too
// many or too few of what the tiers above them leave.
func (s *Store) RefreshTiers(ctx context.Context) error {
	left, err := s.CountPlugins(ctx, Filter{})
	if err != nil {
		return err
	}
	for tier, want := range tierSizes(left) {
		want = min(want, left)
		var n int
		if err := s.pool.QueryRow(ctx, countTier, tier).Scan(&n); err != nil {
			return classify("count the plugins of a tier", err)
		}
		if n < want*2/3 || n > want*4/3 {
			if err := s.MoveFloor(ctx, tier, want); err != nil {
				return err
			}
			n = want
		}
		left = max(left-n, 0) // some went meanwhile
	}
	return nil
}

// MoveFloor gives a tier so many plugins, a step at a time, in exchange with the
// next tier as long as that has any.
func (s *Store) MoveFloor(ctx context.Context, tier, want int) error {
	for more := true; more; {
		err := s.tx(ctx, "move the floor of a tier", func(tx pgx.Tx) (err error) {
			more, err = stepFloor(ctx, tx, tier, want)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stepFloor brings the number of a tier's plugins a step nearer to want, and
// says whether there is another step to make.
func stepFloor(ctx context.Context, tx pgx.Tx, tier, want int) (more bool, err error) {
	if _, err := tx.Exec(ctx, lockTwins); err != nil { // who writes the index reads the floors
		return false, err
	}
	var n int
	if err := tx.QueryRow(ctx, countTier, tier).Scan(&n); err != nil || n == want {
		return false, err
	}
	step, floor, change := min(n-want, tierStep), floorAbove, goBelow
	if n < want {
		step, floor, change = min(want-n, tierStep), floorBelow, comeAbove
	}
	var (
		weight float32
		id     string
	)
	err = tx.QueryRow(ctx, floor, tier, step).Scan(&weight, &id)
	if errors.Is(err, pgx.ErrNoRows) { // the next tier is empty
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, moveFloor, tier, weight, id); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, change, tier, weight, id)
	return n-want > tierStep || want-n > tierStep, err
}
