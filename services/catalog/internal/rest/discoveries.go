package rest

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// marketplacesOutput is a page of marketplaces. Its headers say how complete the
// search for them was: the list itself is an array, which has no place for that.
type marketplacesOutput struct {
	Link       string `header:"Link" doc:"rel=\"next\": the next page"`
	Total      string `header:"X-Total-Count" doc:"How many match in all"`
	Found      string `header:"Plugpack-Discovery-Found" doc:"Files of marketplaces that the last search gave; absent before the first one"`
	Counted    string `header:"Plugpack-Discovery-Total" doc:"As GitHub itself counts them"`
	Incomplete string `header:"Plugpack-Discovery-Incomplete" doc:"true when some could not be had"`
	Finished   string `header:"Plugpack-Discovery-Finished" doc:"When the search ended, as in RFC 3339"`
	Body       []api.Marketplace
}

type discoveriesOutput struct{ Body []api.Discovery }

func (h *handlers) listDiscoveries(ctx context.Context, _ *struct{}) (*discoveriesOutput, error) {
	ds, err := h.store.Discoveries(ctx)
	if err != nil {
		return nil, err
	}
	out := &discoveriesOutput{Body: make([]api.Discovery, len(ds))}
	for i, d := range ds {
		out.Body[i] = api.NewDiscovery(d)
	}
	return out, nil
}

// complete tells of the search whose results are marketplaces, if there was one.
func (out *marketplacesOutput) complete(ds []plugpack.Discovery) {
	i := slices.IndexFunc(ds, func(d plugpack.Discovery) bool { return d.Method == plugpack.MainDiscovery })
	if i < 0 {
		return
	}
	d := ds[i]
	out.Found, out.Counted, out.Incomplete = strconv.Itoa(d.Found), strconv.Itoa(d.Total), strconv.FormatBool(d.Incomplete)
	out.Finished = d.FinishedAt.UTC().Format(time.RFC3339)
}
