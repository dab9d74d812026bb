package backend

import (
	"context"
	"strings"
	"sync"
	"time"

	ds "github.com/ipfs/go-datastore"
	dsq "github.com/ipfs/go-datastore/query"
)

// floor answers from prepared entries, by the name of their prefix, and keeps no more of a put
// than that needs. So its cost through kad-dht is the cost of kad-dht itself.
type floor struct {
	ds.Batching // the other methods are never called
	mu          sync.RWMutex
	below       map[string][]dsq.Entry
	values      map[string][]byte
}

func newFloor() *floor { return &floor{below: map[string][]dsq.Entry{}, values: map[string][]byte{}} }

func (f *floor) Put(_ context.Context, key ds.Key, value []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := key.String()
	if strings.HasPrefix(name, "/providers/") {
		prefix := name[:strings.LastIndexByte(name, '/')]
		f.below[prefix] = append(f.below[prefix], dsq.Entry{Key: name, Value: value, Size: len(value)})
		return nil
	}
	f.values[name] = value
	return nil
}

func (f *floor) Get(_ context.Context, key ds.Key) ([]byte, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if value, ok := f.values[key.String()]; ok {
		return value, nil
	}
	return nil, ds.ErrNotFound
}

func (f *floor) Query(_ context.Context, q dsq.Query) (dsq.Results, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return dsq.ResultsWithEntries(q, f.below[strings.TrimSuffix(q.Prefix, "/")]), nil
}

func (f *floor) Batch(context.Context) (ds.Batch, error) { return ds.NewBasicBatch(f), nil }

func (f *floor) Expire(context.Context, time.Duration) error { return nil }
func (f *floor) Compact(context.Context) error               { return nil }
func (f *floor) Close() error                                { return nil }
func (f *floor) Sync(context.Context, ds.Key) error          { return nil }
