package bus_test

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"testing"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/local/nats"
	"github.com/plugpack/plugpack/libs/testkit"
)

// restartable starts a server whose folder and port a later one can take over,
// and connects to it.
func restartable(t *testing.T) (s *nats.Server, b *bus.Bus, again nats.Options) {
	t.Helper()
	again = nats.Options{Dir: t.TempDir(), Port: -1}
	s, err := nats.Start(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if again.Port, err = strconv.Atoi(address.Port()); err != nil {
		t.Fatal(err)
	}
	if b, err = bus.Connect(t.Context(), s.URL(), "test", testkit.Log(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return s, b, again
}

func TestARestartOfNATSLosesNothing(t *testing.T) {
	t.Parallel()
	s, b, again := restartable(t)

	got, third, finish := make(chan string, 100), make(chan struct{}), make(chan struct{})
	send(t, b, "1", "2", "3", "4")
	consume(t, b, inOrder, func(_ context.Context, m bus.Msg) error {
		if nameOf(m) == "3" && m.Attempt == 1 {
			close(third)
			<-finish
		}
		got <- nameOf(m)
		return nil
	})
	<-third
	s.Stop()
	close(finish) // its acknowledgement meets no server

	s, err := nats.Start(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	for n := 5; n <= 8; n++ {
		m := message(t, fmt.Sprint(n))
		testkit.Eventually(t, "the bus to publish again", func(ctx context.Context) bool {
			err := b.Publish(ctx, m)
			if err != nil && errs.KindOf(err) != errs.Unavailable {
				t.Errorf("publish gives %v, want Unavailable while NATS is away", err)
			}
			return err == nil
		})
	}
	var order []string
	for len(order) < 8 {
		name := take(t, got, 1)[0]
		if n := len(order); n > 0 && order[n-1] == name {
			continue // delivered again, which a handler has to bear
		}
		order = append(order, name)
	}
	wantNames(t, order, "1", "2", "3", "4", "5", "6", "7", "8")
}

func TestALeaseOutlivesARestartOfNATS(t *testing.T) {
	t.Parallel()
	s, b, again := restartable(t)
	ctx, stop := context.WithCancel(t.Context())
	active, ended := make(chan struct{}, 10), make(chan error, 1)
	go func() {
		ended <- b.Lead(ctx, "indexer", func(ctx context.Context) error {
			active <- struct{}{}
			<-ctx.Done()
			return nil
		})
	}()
	<-active
	s.Stop()
	s, err := nats.Start(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	testkit.Eventually(t, "the lease to be taken again", func(context.Context) bool {
		select {
		case <-active:
			return true
		default:
			return false
		}
	})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
