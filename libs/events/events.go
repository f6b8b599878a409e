// Package events is the contract between the services: which streams exist,
// which subject carries what, and the payload of each event.
//
// Every event is a full snapshot of the latest state, so a stream keeps one
// message a subject, and replay, retry and restart are the same code. Adding a
// field is free; changing the meaning of one needs a new subject. Envelopes
// are CloudEvents 1.0 in structured JSON; testdata/ holds one golden file an
// event, and a diff there is a change of contract.
package events

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Streams.
const (
	StreamScan    = "SCAN"    // work queue: marketplaces to scan
	StreamPlugin  = "PLUGIN"  // what scrapers saw: listings and plugins
	StreamCatalog = "CATALOG" // what the catalog committed
	StreamOrigin  = "ORIGIN"  // files of plugins that are outside of their marketplaces
	StreamDead    = "DEAD"    // messages that no retry can help, with the reason
)

// Key-value buckets.
const (
	BucketScanState = "SCAN_STATE"   // the scraper's memory, one value a marketplace
	BucketScanTrial = "SCAN_TRIAL"   // scans that were begun and have not ended
	BucketDiscovery = "DISCOVERY"    // how far a discovery is, and what it has still to look at
	BucketOrigin    = "ORIGIN_STATE" // what each place outside of its marketplace was when last asked
	BucketLease     = "LEASE"        // who is active where only one may be
	BucketIndexer   = "INDEXER"      // how far a rebuild is, and what the indexer says of itself
)

// LeaseTTL is how long a dead holder of a lease keeps a spare waiting.
const LeaseTTL = 6 * time.Second

// MaxBytes bounds one event's envelope; it is NATS's own default limit less
// room for headers. Publishers refuse what is larger.
const MaxBytes = 1<<20 - 8<<10

// Subject filters of the consumers.
const (
	ScanRequests   = "scan.requested.*.*" // of every priority
	PluginEvents   = "plugin.updated.*"
	OptOuts        = "repository.opted_out.*"
	CatalogPlugins = "catalog.changed.plugin.*"
	CatalogPacks   = "catalog.changed.pack.*"
	CatalogChanges = "catalog.changed.*.*" // of plugins and packs
)

// Token makes a subject part of a key. Base64url, because NATS refuses blanks
// and takes a dot for the beginning of the next part.
func Token(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

// SubjectScanRequested carries ScanRequested.
func SubjectScanRequested(p Priority, k plugpack.MarketplaceKey) string {
	return "scan.requested." + string(p) + "." + Token(string(k))
}

// ScanRequestsOf filters the requests of one priority.
func ScanRequestsOf(p Priority) string { return "scan.requested." + string(p) + ".*" }

// ScanRequestsFor filters the requests about one marketplace, whatever their
// priority.
func ScanRequestsFor(k plugpack.MarketplaceKey) string {
	return "scan.requested.*." + Token(string(k))
}

// SubjectScanProgress carries ScanProgress. It is in no stream: whoever
// listens at the moment sees it.
func SubjectScanProgress(k plugpack.MarketplaceKey) string {
	return "progress.scan." + Token(string(k))
}

// SubjectMarketplaceScanned carries plugpack.Listing.
func SubjectMarketplaceScanned(k plugpack.MarketplaceKey) string {
	return "marketplace.scanned." + Token(string(k))
}

// SubjectMarketplaceFailed carries plugpack.Failure. It has a subject of its
// own so that a failure does not push the last listing out of the stream.
func SubjectMarketplaceFailed(k plugpack.MarketplaceKey) string {
	return "marketplace.failed." + Token(string(k))
}

// SubjectPluginUpdated carries plugpack.Observation.
func SubjectPluginUpdated(k plugpack.Key) string { return "plugin.updated." + Token(k.String()) }

// SubjectDiscoveryFinished carries plugpack.Discovery.
func SubjectDiscoveryFinished(method string) string { return "discovery.finished." + Token(method) }

// SubjectRepositoryOptedOut carries plugpack.OptOut.
func SubjectRepositoryOptedOut(name string) string { return "repository.opted_out." + Token(name) }

// SubjectPluginChanged carries plugpack.Plugin.
func SubjectPluginChanged(id string) string { return "catalog.changed.plugin." + id }

// SubjectPackChanged carries plugpack.Pack.
func SubjectPackChanged(id string) string { return "catalog.changed.pack." + id }

// SubjectChanged carries the state of a thing of the kind.
func SubjectChanged(k Kind, id string) string { return "catalog.changed." + string(k) + "." + id }

// SubjectDead is where consumer puts a message it cannot use.
func SubjectDead(consumer, subject string) string { return "dead." + consumer + "." + Token(subject) }

// Ensure creates the streams and buckets or brings them to this version's
// settings. How often a cluster keeps them, and where, stays as its operator
// has it. Any number of services may call it at once.
func Ensure(ctx context.Context, js jetstream.JetStream) error {
	for _, c := range streams() {
		// Creating what exists with the same settings is no error and writes
		// nothing; an update would be written by every service at every start.
		_, err := js.CreateStream(ctx, c)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			if c.Replicas, c.Placement, err = placed(ctx, js, c.Name); err == nil {
				_, err = js.UpdateStream(ctx, c)
			}
		}
		if err != nil {
			return fmt.Errorf("ensure stream %s: %w", c.Name, err)
		}
	}
	for _, c := range buckets() {
		_, err := js.CreateKeyValue(ctx, c)
		if errors.Is(err, jetstream.ErrBucketExists) {
			if c.Replicas, c.Placement, err = placed(ctx, js, "KV_"+c.Bucket); err == nil { // the stream under the bucket
				_, err = js.UpdateKeyValue(ctx, c)
			}
		}
		if err != nil {
			return fmt.Errorf("ensure bucket %s: %w", c.Bucket, err)
		}
	}
	return nil
}

// placed gives how often a stream is kept, and where.
func placed(ctx context.Context, js jetstream.JetStream, stream string) (replicas int, where *jetstream.Placement, err error) {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return 0, nil, err
	}
	c := s.CachedInfo().Config
	return c.Replicas, c.Placement, nil
}

func streams() []jetstream.StreamConfig {
	return []jetstream.StreamConfig{
		{
			Name: StreamScan, Subjects: []string{ScanRequests},
			Description: "marketplaces to scan, each at most once a priority",
			Retention:   jetstream.WorkQueuePolicy,
			// A marketplace that waits or is being scanned is not queued again:
			// its message stays until the scan acknowledges it.
			MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
		},
		{
			Name: StreamPlugin, Subjects: []string{"plugin.updated.*", "marketplace.scanned.*", "marketplace.failed.*", "discovery.finished.*", OptOuts},
			Description: "latest listing of each marketplace, observation of each plugin, end of each kind of search, and all opt-outs",
			Retention:   jetstream.LimitsPolicy, MaxMsgsPerSubject: 1,
		},
		{
			Name: StreamCatalog, Subjects: []string{"catalog.changed.plugin.*", "catalog.changed.pack.*"},
			Description: "latest committed state of each plugin and pack",
			Retention:   jetstream.LimitsPolicy, MaxMsgsPerSubject: 1,
		},
		originStream(),
		{
			Name: StreamDead, Subjects: []string{"dead.>"},
			Description: "messages that no retry can help",
			Retention:   jetstream.LimitsPolicy, MaxAge: 90 * 24 * time.Hour, MaxBytes: 256 << 20,
		},
	}
}

func buckets() []jetstream.KeyValueConfig {
	return []jetstream.KeyValueConfig{
		{Bucket: BucketScanState, Description: "last commit and digests of each marketplace", History: 1},
		{Bucket: BucketScanTrial, Description: "scans that were begun and have not ended", History: 1},
		{Bucket: BucketDiscovery, Description: "how far each search for marketplaces is, and repositories to look at", History: 1},
		{Bucket: BucketIndexer, Description: "progress of a rebuild, state of the stores", History: 1},
		{Bucket: BucketOrigin, Description: "commit, ETag or fault of each origin", History: 1, TTL: 90 * 24 * time.Hour},
		// In memory, so that a disk that stalls costs nobody the lease; when NATS
		// starts anew, it is taken anew.
		{Bucket: BucketLease, Description: "active instances", History: 1, TTL: LeaseTTL, Storage: jetstream.MemoryStorage},
	}
}
