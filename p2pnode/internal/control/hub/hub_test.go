package hub

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

func TestEveryReaderGetsEveryEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		got := make(chan string, 4)
		for range 2 {
			events := h.Subscribe(t.Context(), Buffer)
			go func() {
				for e, err := range events {
					if err != nil {
						got <- err.Error()
						return
					}
					got <- e.Key
				}
			}()
		}
		h.Publish(api.Event{Kind: api.Stored, Key: "a"})
		synctest.Wait()
		h.Close()
		synctest.Wait()
		close(got)
		count := map[string]int{}
		for text := range got {
			count[text]++
		}
		if count["a"] != 2 || count[ErrClosed.Error()] != 2 {
			t.Errorf("the readers got %v", count)
		}
	})
}

func TestASlowReaderIsToldAndHoldsUpNobody(t *testing.T) {
	h := New()
	events := h.Subscribe(t.Context(), 3)
	for range 10 {
		h.Publish(api.Event{Kind: api.Stored})
	}
	if h.Watched() {
		t.Error("the reader still counts")
	}
	n, last := 0, error(nil)
	for _, err := range events {
		if err != nil {
			last = err
			break
		}
		n++
	}
	if n != 3 || !errors.Is(last, ErrLagging) {
		t.Errorf("the reader got %d events and then %v", n, last)
	}
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	h := New()
	ctx, cancel := context.WithCancel(t.Context())
	events := h.Subscribe(ctx, 1)
	cancel()
	for _, err := range events {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if h.Watched() {
		t.Error("the reader still counts")
	}
	h.Close()
	for _, err := range h.Subscribe(t.Context(), 1) {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}
