package events

import (
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// OriginBytes is the room for snapshots of origins.
const OriginBytes = 1 << 30

func originStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamOrigin, Subjects: []string{"origin.*.*"},
		Description: "snapshots of plugins that are outside of their marketplaces; the oldest go",
		Retention:   jetstream.LimitsPolicy, MaxMsgsPerSubject: 1, MaxBytes: OriginBytes, Discard: jetstream.DiscardOld, AllowDirect: true,
	}
}

// SubjectOriginChunk carries a part of a snapshot, counted from 0.
func SubjectOriginChunk(snapshot string, i int) string {
	return fmt.Sprintf("origin.%s.%d", snapshot, i)
}

// SubjectOriginEnd says how many parts a snapshot has, and comes after them.
func SubjectOriginEnd(snapshot string) string { return "origin." + snapshot + ".end" }
