package plugpack_test

import (
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
)

func TestMaintenanceAt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	ago := func(days int, more time.Duration) plugpack.Repository {
		return plugpack.Repository{PushedAt: now.AddDate(0, 0, -days).Add(-more)}
	}
	for _, c := range []struct {
		repository plugpack.Repository
		want       plugpack.Maintenance
	}{
		{plugpack.Repository{}, plugpack.MaintenanceUnknown},
		{plugpack.Repository{Archived: true}, plugpack.Archived},
		{plugpack.Repository{Archived: true, PushedAt: now}, plugpack.Archived},
		{ago(-3, 0), plugpack.Active},
		{ago(14, -time.Second), plugpack.Active},
		{ago(14, 0), plugpack.Maintained},
		{ago(90, -time.Second), plugpack.Maintained},
		{ago(90, 0), plugpack.Slow},
		{ago(365, -time.Second), plugpack.Slow},
		{ago(365, 0), plugpack.Stale},
	} {
		if got := c.repository.MaintenanceAt(now); got != c.want {
			t.Errorf("pushed at %v: %s, want %s", c.repository.PushedAt, got, c.want)
		}
	}
}
