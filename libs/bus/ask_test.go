package bus_test

import (
	"context"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/testkit"
)

func TestAsk(t *testing.T) {
	t.Parallel()
	b := testkit.Bus(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := bus.Ask[int](ctx, b, "ask.double", 4); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("nobody there: %v, want Unavailable", err)
	}
	stop, err := bus.Answer(ctx, b, "ask.double", func(_ context.Context, n int) (int, error) {
		if n < 0 {
			return 0, errs.New(errs.Invalid, "want a number\nabove 0")
		}
		return 2 * n, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bus.Ask[int](ctx, b, "ask.double", 4); got != 8 || err != nil {
		t.Errorf("answer %d, %v; want 8", got, err)
	}
	if _, err := bus.Ask[int](ctx, b, "ask.double", -1); errs.KindOf(err) != errs.Invalid {
		t.Errorf("an error of the other side is %v (%v), want it to keep its kind", err, errs.KindOf(err))
	}
	if _, err := bus.Ask[int](ctx, b, "ask.double", "four"); errs.KindOf(err) != errs.Invalid {
		t.Errorf("a question of another type: %v, want Invalid", err)
	}
	stop()
	if _, err := bus.Ask[int](ctx, b, "ask.double", 4); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("after stop: %v, want Unavailable", err)
	}
}
