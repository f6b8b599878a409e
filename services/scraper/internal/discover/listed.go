package discover

import (
	"context"
	"strings"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// listedDurable names the consumer that hears of plugins.
const listedDurable = "discover"

// Listen keeps the repositories that marketplaces list as the origin of a
// plugin, until ctx ends: many have a marketplace of their own. It hears what
// scans publish, so it costs GitHub nothing.
func (d *Discovery) Listen(ctx context.Context, b *bus.Bus) error {
	return b.Consume(ctx, bus.Subscription{Stream: events.StreamPlugin, Durable: listedDurable, Filter: events.PluginEvents}, d.hear)
}

func (d *Discovery) hear(ctx context.Context, m bus.Msg) error {
	o, err := events.Decode[plugpack.Observation](m.Data, events.TypePluginUpdated)
	if err != nil {
		return err
	}
	k, ok := d.origin(o)
	if !ok {
		return nil
	}
	return d.Memory.Add(ctx, Candidate{Key: k, Method: lookMethod})
}

// origin gives the repository that a plugin's files are in, if it is another
// one at the host that is searched.
func (d *Discovery) origin(o plugpack.Observation) (plugpack.MarketplaceKey, bool) {
	switch o.Facts.Source.Kind {
	case plugpack.SourceGitHub, plugpack.SourceURL, plugpack.SourceGitSubdir:
	default:
		return "", false
	}
	parts := strings.SplitN(o.Facts.Origin, "/", 4)
	if len(parts) < 3 || parts[0] != d.Host {
		return "", false
	}
	// What begins with a dot would name a folder of this machine.
	k, err := plugpack.ParseMarketplace("https://"+d.Host+"/"+parts[1]+"/"+parts[2], d.Host)
	return k, err == nil && k.Host() == d.Host && k != o.Marketplace && !d.Excluded(k)
}
