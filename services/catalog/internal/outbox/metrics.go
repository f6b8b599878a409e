package outbox

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plugpack/plugpack/libs/events"
)

// Metrics tells what waits to be announced, asking when it is read.
type Metrics struct {
	Waiting func(context.Context) (events.Outbox, error)
}

// scrape bounds the question, so that a database that is away does not keep
// the other metrics back.
const scrape = 2 * time.Second

var (
	rows    = prometheus.NewDesc("plugpack_outbox_rows", "Changes that are committed and not announced yet.", nil, nil)
	seconds = prometheus.NewDesc("plugpack_outbox_oldest_seconds", "How long the oldest of them has waited; 0 if there is none.", nil, nil)
)

// Describe names them.
func (m Metrics) Describe(to chan<- *prometheus.Desc) { to <- rows; to <- seconds }

// Collect gives them; none while the database is away.
func (m Metrics) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrape)
	defer cancel()
	o, err := m.Waiting(ctx)
	if err != nil {
		return
	}
	to <- prometheus.MustNewConstMetric(rows, prometheus.GaugeValue, float64(o.Rows))
	to <- prometheus.MustNewConstMetric(seconds, prometheus.GaugeValue, o.Seconds)
}
