package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("p%02d", i))
	}
	f.list(0, postgres.Applied, nil, names...)
	for i, name := range names {
		for n := range 1 + i%3 {
			f.see(name, n, postgres.Applied, func(o *plugpack.Observation) {
				o.Facts.Version = fmt.Sprint(n)
				o.Facts.Description = strings.Repeat("x", 4000) // so that states need several answers
				for c := range 200 {
					o.Facts.Components = append(o.Facts.Components, plugpack.Component{Kind: plugpack.Skill, Name: fmt.Sprint("s", c), Description: strings.Repeat("y", 400)})
				}
			})
		}
	}
	f.list(5, postgres.Applied, nil, names[1:]...) // the first is removed

	var states []plugpack.Plugin
	answers, after := 0, ""
	for {
		part, err := f.States(t.Context(), nil, after)
		if err != nil {
			t.Fatal(err)
		}
		states, answers = append(states, part.Plugins...), answers+1
		if after = part.Next; after == "" {
			break
		}
	}
	if len(states) != 20 || answers < 2 {
		t.Fatalf("%d states in %d answers", len(states), answers)
	}
	t.Run("digests are what the revisions and the states add up to", func(t *testing.T) {
		got, err := f.Digests(t.Context(), events.KindPlugin)
		if err != nil {
			t.Fatal(err)
		}
		var fromStates, fromRevisions events.Digests
		for _, p := range states {
			fromStates.All[events.Bucket(p.ID)].Add(p.ID, p.Revision)
			if !p.Removed {
				fromStates.Live[events.Bucket(p.ID)].Add(p.ID, p.Revision)
			}
		}
		for bucket := range events.Buckets {
			rs, err := f.Revisions(t.Context(), events.KindPlugin, bucket, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rs {
				fromRevisions.All[bucket].Add(r.ID, r.Revision)
				if !r.Removed {
					fromRevisions.Live[bucket].Add(r.ID, r.Revision)
				}
			}
		}
		if diff := cmp.Diff(fromStates, got); diff != "" {
			t.Errorf("of the states (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(fromRevisions, got); diff != "" {
			t.Errorf("of the revisions (-want +got):\n%s", diff)
		}
	})
	t.Run("states of some ids are whole", func(t *testing.T) {
		got, err := f.States(t.Context(), []string{states[0].ID, states[7].ID}, "")
		if err != nil || got.Next != "" {
			t.Fatalf("next %q, %v", got.Next, err)
		}
		if diff := cmp.Diff([]plugpack.Plugin{states[0], states[7]}, got.Plugins); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
}
