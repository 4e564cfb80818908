package run

import (
	"context"
	"errors"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// storing is the journal as ingress sees it.
type storing struct{ journal *journal.Journal }

// Accept stores an event, with the journal's errors in ingress's words.
func (s storing) Accept(ctx context.Context, e *event.Event) (ingress.Receipt, error) {
	r, err := s.journal.Accept(ctx, e)
	if err == nil {
		return ingress.Receipt{Sequence: r.Sequence, Duplicate: r.Duplicate}, nil
	}
	return ingress.Receipt{}, ingressError(err)
}

// decoding is a connection as ingress sees it.
type decoding struct{ *link }

// Decode lets the plugin decode, with the host's errors in ingress's words.
func (d decoding) Decode(ctx context.Context, r wire.Request) (wire.Decoded, error) {
	out, err := d.link.Decode(ctx, r)
	if crash, ok := errors.AsType[*pluginhost.CrashError](err); ok {
		return out, &ingress.UnacceptableError{Message: crash.Error()}
	}
	return out, err
}

// newIngress makes the server for webhooks, with one way in for each connection
// that has a token.
func (e *engine) newIngress() (err error) {
	in := e.Config.Ingress
	e.server, err = ingress.New(ingress.Options{
		Journal: storing{e.journal}, Keeper: keeping{e.journal}, Logger: e.log, Observe: e.metrics.Webhook, Tracer: e.tracer, Certificate: e.certificate,
		Connections: e.waysIn(),
		Limits: ingress.Limits{
			MaxBody: in.MaxBody, MaxMemory: in.MaxMemory, MaxConnections: in.MaxConnections,
			HeaderTimeout: in.HeaderTimeout, BodyTimeout: in.BodyTimeout, IdleTimeout: in.IdleTimeout,
			DecodeTimeout: in.DecodeTimeout, KeptTimeout: keptTimeout(e.Config),
		},
	})
	return err
}

// waysIn are the connections that take webhooks.
func (e *engine) waysIn() []ingress.Connection {
	var out []ingress.Connection
	for _, c := range e.Config.Connections {
		if c.Token == "" {
			continue
		}
		conn := ingress.Connection{
			Name: c.Name, Token: c.Token, Decoder: decoding{e.links[c.Name]},
			RatePerSecond: c.Rate.PerSecond, Burst: c.Rate.Burst,
		}
		if s := c.Signature; s != nil {
			conn.Signature = &ingress.Signature{
				Header: s.Header, Secret: s.Secret, Algorithm: s.Algorithm, Encoding: s.Encoding, Prefix: s.Prefix,
			}
		}
		out = append(out, conn)
	}
	return out
}

// keeping is the journal as ingress sees it, where a plugin cannot decode.
type keeping struct{ *journal.Journal }

// Keep stores a request as it came, with the journal's errors in ingress's words.
func (k keeping) Keep(ctx context.Context, r *event.Request) error {
	_, err := k.Journal.Keep(ctx, r)
	return ingressError(err)
}

// Refuse stores that a request was refused, likewise.
func (k keeping) Refuse(ctx context.Context, r *event.Request, why event.Reason) error {
	return ingressError(k.Journal.Refuse(ctx, r, why))
}

// ingressError puts the journal's errors in ingress's words.
func ingressError(err error) error {
	if bad, ok := errors.AsType[*journal.EventError](err); ok {
		return &ingress.UnacceptableError{Field: bad.Field, Message: bad.Error()}
	}
	if un, ok := errors.AsType[*journal.UnavailableError](err); ok {
		return &ingress.UnavailableError{RetryAfter: un.RetryAfter, Undecoded: un.Undecoded, Err: err}
	}
	return err
}
