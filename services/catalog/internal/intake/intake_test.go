package intake_test

import (
	"context"
	"testing"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/intake"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// hanging is a store whose connection hangs if it may.
type hanging struct{ intake.Store }

func (hanging) ApplyObservation(ctx context.Context, _ plugpack.Observation) (postgres.Outcome, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return "", errs.New(errs.Internal, "hangs for ever")
	}
	return "", errs.New(errs.Unavailable, "timeout")
}

func TestAnEventHasItsTime(t *testing.T) {
	t.Parallel()
	m, err := events.NewPluginUpdated(sample.Observation("acme/tools", "deploy", 0))
	if err != nil {
		t.Fatal(err)
	}
	err = intake.New(nil, hanging{}, testkit.Log(t)).Handle(t.Context(), bus.Msg{Data: m.Data})
	if errs.KindOf(err) != errs.Unavailable {
		t.Fatalf("got %v", err)
	}
}
