package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/plugpack/plugpack/libs/errs"
)

// Headers of an answer that is an error.
const (
	headerError = "Plugpack-Error"
	headerKind  = "Plugpack-Error-Kind"
)

// Ask asks whoever answers on subject and waits for the answer, for as long as
// ctx lets it. Nobody there is Unavailable; an error of the other side keeps
// its kind.
func Ask[A any](ctx context.Context, b *Bus, subject string, question any) (answer A, err error) {
	data, err := json.Marshal(question)
	if err != nil {
		return answer, fmt.Errorf("ask %s: %w", subject, err)
	}
	m, err := b.nc.RequestWithContext(ctx, subject, data)
	if errors.Is(err, nats.ErrNoResponders) {
		return answer, errs.New(errs.Unavailable, "ask %s: nobody answers, start the service that does", subject)
	}
	if err != nil {
		return answer, errs.New(errs.Unavailable, "ask %s: %w", subject, err)
	}
	if text := m.Header.Get(headerError); text != "" {
		kind, _ := strconv.Atoi(m.Header.Get(headerKind))
		if kind < 0 || kind > int(errs.Unavailable) {
			kind = int(errs.Internal)
		}
		return answer, errs.New(errs.Kind(kind), "ask %s: %s", subject, text)
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return answer, fmt.Errorf("ask %s: decode the answer: %w", subject, err)
	}
	return answer, nil
}

// Answer answers questions on subject with f until stop is called. Of several
// processes that answer, one gets each question. An answer has to fit into one
// message. Questions are answered side by side.
func Answer[Q, A any](ctx context.Context, b *Bus, subject string, f func(context.Context, Q) (A, error)) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var open sync.WaitGroup
	sub, err := b.nc.QueueSubscribe(subject, subject, func(m *nats.Msg) {
		open.Go(func() { _ = m.RespondMsg(respond(ctx, m, f)) })
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("answer on %s: %w", subject, err)
	}
	return func() { _ = sub.Unsubscribe(); cancel(); open.Wait() }, b.nc.FlushTimeout(5 * time.Second)
}

func respond[Q, A any](ctx context.Context, m *nats.Msg, f func(context.Context, Q) (A, error)) *nats.Msg {
	reply := nats.NewMsg(m.Reply)
	var question Q
	err := json.Unmarshal(m.Data, &question)
	if err != nil {
		err = errs.New(errs.Invalid, "decode the question: %w", err)
	} else {
		var answer A
		if answer, err = f(ctx, question); err == nil {
			reply.Data, err = json.Marshal(answer)
		}
	}
	if err != nil {
		reply.Header.Set(headerError, oneLine(err))
		reply.Header.Set(headerKind, strconv.Itoa(int(errs.KindOf(err))))
	}
	return reply
}
