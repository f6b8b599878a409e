package events

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Event types.
const (
	TypeScanRequested      = "scan.requested"
	TypeMarketplaceScanned = "marketplace.scanned"
	TypeMarketplaceFailed  = "marketplace.failed"
	TypePluginUpdated      = "plugin.updated"
	TypeDiscoveryFinished  = "discovery.finished"
	TypeRepositoryOptedOut = "repository.opted_out"
	TypePluginChanged      = "catalog.changed.plugin"
	TypePackChanged        = "catalog.changed.pack"
)

// Message is an event ready to publish. ID is the message id by which the
// stream drops a repetition; it names the occasion (a scan, an outbox row),
// never the content, or the sequence A, B, A would end as B.
type Message struct {
	Subject string
	ID      string
	Data    []byte
}

// NewMarketplaceScanned makes the message that announces a listing.
func NewMarketplaceScanned(l plugpack.Listing) (Message, error) {
	return message(TypeMarketplaceScanned, "scraper", l.Scan+"/scanned", string(l.Key), l.ObservedAt, SubjectMarketplaceScanned(l.Key), l)
}

// NewMarketplaceFailed makes the message that announces a failed scan.
func NewMarketplaceFailed(f plugpack.Failure) (Message, error) {
	return message(TypeMarketplaceFailed, "scraper", f.Scan+"/failed", string(f.Key), f.ObservedAt, SubjectMarketplaceFailed(f.Key), f)
}

// NewPluginUpdated makes the message that announces an observation.
func NewPluginUpdated(o plugpack.Observation) (Message, error) {
	return message(TypePluginUpdated, "scraper", o.Scan+"/"+Token(o.Key().String()), o.Key().String(), o.ObservedAt, SubjectPluginUpdated(o.Key()), o)
}

// NewDiscoveryFinished makes the message that tells how complete a search was.
func NewDiscoveryFinished(d plugpack.Discovery) (Message, error) {
	id := d.Method + "/" + d.FinishedAt.UTC().Format(time.RFC3339Nano)
	return message(TypeDiscoveryFinished, "scraper", id, d.Method, d.FinishedAt, SubjectDiscoveryFinished(d.Method), d)
}

// NewRepositoryOptedOut makes the message that announces an opt-out.
func NewRepositoryOptedOut(o plugpack.OptOut) (Message, error) {
	if err := o.Validate(); err != nil {
		return Message{}, err
	}
	id := o.Name + "/" + o.At.UTC().Format(time.RFC3339Nano)
	return message(TypeRepositoryOptedOut, "scraper", id, o.Name, o.At, SubjectRepositoryOptedOut(o.Name), o)
}

// NewPluginChanged makes the message that announces a committed change; id is
// the outbox row's.
func NewPluginChanged(id string, p plugpack.Plugin) (Message, error) {
	return message(TypePluginChanged, "catalog", id, p.Key().String(), p.UpdatedAt, SubjectPluginChanged(p.ID), p)
}

// NewPackChanged makes the message that announces a committed change; id is the
// outbox row's.
func NewPackChanged(id string, p plugpack.Pack) (Message, error) {
	return message(TypePackChanged, "catalog", id, "pack:"+p.Slug, p.UpdatedAt, SubjectPackChanged(p.ID), p)
}

func message(typ, source, id, about string, at time.Time, subject string, data any) (Message, error) {
	e := event.New()
	e.SetID(id)
	e.SetSource("plugpack/" + source)
	e.SetType(typ)
	e.SetSubject(about)
	e.SetTime(at.UTC())
	if err := e.SetData(event.ApplicationJSON, data); err != nil {
		return Message{}, fmt.Errorf("encode %s of %s: %w", typ, about, err)
	}
	b, err := json.Marshal(e)
	if err != nil {
		return Message{}, fmt.Errorf("encode %s of %s: %w", typ, about, err)
	}
	if len(b) > MaxBytes {
		return Message{}, errs.New(errs.Invalid, "%s of %s is %d bytes, more than the %d that one event may have", typ, about, len(b), MaxBytes)
	}
	return Message{Subject: subject, ID: id, Data: b}, nil
}

// Type reads an envelope's type.
func Type(envelope []byte) (string, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(envelope, &head); err != nil {
		return "", errs.New(errs.Invalid, "decode event: %w", err)
	}
	return head.Type, nil
}

// Decode reads the payload of an envelope of type typ. Anything else is an
// Invalid error: no retry can help it.
func Decode[T any](envelope []byte, typ string) (T, error) {
	var (
		e    event.Event
		data T
	)
	if err := json.Unmarshal(envelope, &e); err != nil {
		return data, errs.New(errs.Invalid, "decode %s: %w", typ, err)
	}
	if e.Type() != typ {
		return data, errs.New(errs.Invalid, "decode %s: the event is of type %.100q", typ, e.Type())
	}
	if len(e.Data()) == 0 {
		return data, errs.New(errs.Invalid, "decode %s: the event has no data", typ)
	}
	if err := e.DataAs(&data); err != nil {
		return data, errs.New(errs.Invalid, "decode %s: %w", typ, err)
	}
	return data, nil
}
