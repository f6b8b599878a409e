package bus

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// report writes the one log line of a message.
func (c *consumer) report(ctx context.Context, m Msg, outcome string, err error, took time.Duration) {
	level := map[string]slog.Level{"done": slog.LevelInfo, "retry": slog.LevelWarn, "dead": slog.LevelError}[outcome]
	if !c.log.Enabled(ctx, level) {
		return
	}
	var head struct {
		Type    string `json:"type"`
		Subject string `json:"subject"`
	}
	_ = json.Unmarshal(m.Data, &head)
	attrs := []slog.Attr{
		slog.String("consumer", c.Durable), slog.String("type", head.Type), slog.String("about", head.Subject),
		slog.String("outcome", outcome), slog.Float64("dur_ms", float64(took.Microseconds())/1000), slog.Int("attempt", m.Attempt),
	}
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		attrs = append(attrs, slog.String("trace_id", id.String()))
	}
	if err != nil {
		attrs = append(attrs, slog.String("err", err.Error()))
	}
	c.log.LogAttrs(ctx, level, "message", attrs...)
}

// oneLine makes an error fit for a header, which may not hold line breaks.
func oneLine(err error) string {
	return plugpack.Cut(plugpack.Clean(err.Error()), 1000)
}
