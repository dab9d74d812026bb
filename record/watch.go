package record

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	"github.com/newsnet-africa/netabase-go/models"
)

// ErrLagging ends a watch whose loop has not kept up with the records that arrived. The
// records it missed are in the tree; [Records.ValuesReceived] finds them by time.
var ErrLagging = errors.New("the watch has not kept up")

// Arrival is a record that the DHT has placed on this peer.
type Arrival[M, K any] struct {
	Key K
	// Model is the row. It is the zero value if Retracted is set.
	Model M
	// Retracted says that the owner has taken the record back.
	Retracted bool
}

// Watch yields the records of t that come from the DHT from now on and are new or
// changed. It yields each after its commit. Buffer is how many records may wait for the
// loop, at least 1; if more wait, the watch ends with ErrLagging. It also ends, with an
// error, when ctx ends or the Records are closed.
func Watch[M, K any](
	ctx context.Context, r *Records, t *models.Tree[M, K], buffer int,
) (iter.Seq2[Arrival[M, K], error], error) {
	tree, err := r.registered(t)
	if err != nil {
		return nil, err
	}
	w := &watcher{tree: tree, arrivals: make(chan arrival, max(buffer, 1))}
	if err := r.watchers.add(w); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { r.watchers.remove(w, context.Cause(ctx)) })
	return func(yield func(Arrival[M, K], error) bool) {
		defer stop()
		defer r.watchers.remove(w, nil)
		for a := range w.arrivals {
			var out Arrival[M, K]
			var err error
			if a.value == nil {
				out.Retracted = true
				out.Key, err = t.DecodeKey(a.key)
			} else if out.Model, err = t.Decode(a.key, a.value); err == nil {
				out.Key, err = t.DecodeKey(a.key)
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
		if err := r.watchers.reason(w); err != nil {
			yield(Arrival[M, K]{}, err)
		}
	}, nil
}

// arrival is a record that has been committed; its value is nil for a tombstone.
type arrival struct {
	tree       *modelTree
	key, value []byte
}

// watcher is a running watch. Its channel is closed when it ends.
type watcher struct {
	tree     *modelTree
	arrivals chan arrival
	// err is why it has ended.
	err error
}

// watchers are the watches of Records.
type watchers struct {
	mu     sync.Mutex
	all    []*watcher
	closed bool
}

func (ws *watchers) add(w *watcher) error {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed {
		return models.ErrClosed
	}
	ws.all = append(ws.all, w)
	return nil
}

// remove ends a watch, if it has not ended.
func (ws *watchers) remove(w *watcher, why error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.end(w, why)
}

// end is remove while the lock is held.
func (ws *watchers) end(w *watcher, why error) {
	if i := slices.Index(ws.all, w); i >= 0 {
		ws.all = slices.Delete(ws.all, i, i+1)
		w.err = why
		close(w.arrivals)
	}
}

func (ws *watchers) reason(w *watcher) error {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return w.err
}

// tell gives the committed records to the watches, without waiting for any.
func (ws *watchers) tell(arrivals []arrival) {
	if len(arrivals) == 0 {
		return
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, a := range arrivals {
		own := false
		for _, w := range slices.Clone(ws.all) {
			if w.tree != a.tree {
				continue
			}
			if !own { // what was put is the caller's
				a.value, own = bytes.Clone(a.value), true
			}
			select {
			case w.arrivals <- a:
			default:
				ws.end(w, ErrLagging)
			}
		}
	}
}

func (ws *watchers) close() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.closed = true
	for _, w := range slices.Clone(ws.all) {
		ws.end(w, models.ErrClosed)
	}
}
