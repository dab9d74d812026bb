package finish

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

type nameKey struct{}

// ended returns a context that has ended and has a value.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), nameKey{}, "value"))
	cancel()
	return ctx
}

func TestDo(t *testing.T) {
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		ctx    context.Context
		errs   []error // of the calls, in their order
		want   error
		called int
	}{
		"done":               {t.Context(), []error{nil}, nil, 1},
		"refused":            {t.Context(), []error{refused}, refused, 1},
		"ended, done":        {ended(t), []error{nil}, nil, 1},
		"ended, refused":     {ended(t), []error{refused}, refused, 1},
		"ended, done later":  {ended(t), []error{fmt.Errorf("put: %w", context.Canceled), nil}, nil, 2},
		"ended, refused too": {ended(t), []error{context.Canceled, refused}, refused, 2},
		"another's error":    {t.Context(), []error{context.Canceled}, context.Canceled, 1},
	} {
		called := 0
		err := Do(c.ctx, func(ctx context.Context) error {
			if called > 0 && (ctx.Err() != nil || ctx.Value(nameKey{}) != "value") {
				t.Errorf("%s: the second context has ended (%v), or has lost its values", name, ctx.Err())
			}
			called++
			return c.errs[called-1]
		})
		if err != c.want || called != c.called {
			t.Errorf("%s: %d calls return %v, want %d and %v", name, called, err, c.called, c.want)
		}
	}
}

// TestDoEnds shows that the second call ends as well, with the error of the first.
func TestDoEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := Do(ended(t), func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if took := time.Since(start); err != context.Canceled || took != Patience {
			t.Errorf("it returns %v after %v, want %v after %v", err, took, context.Canceled, Patience)
		}
	})
}

func TestDetach(t *testing.T) {
	if ctx := Detach(ended(t)); ctx.Err() != nil || ctx.Value(nameKey{}) != "value" {
		t.Errorf("the context has ended (%v), or has lost its values", ctx.Err())
	}
	if ctx := context.Background(); Detach(ctx) != ctx {
		t.Error("a context that cannot end is replaced")
	}
}

func TestDoAllocatesNothing(t *testing.T) {
	ctx, sum := t.Context(), 0
	if n := testing.AllocsPerRun(100, func() {
		_ = Do(ctx, func(context.Context) error { sum++; return nil })
	}); n > 0 {
		t.Errorf("it allocates %v times", n)
	}
}
