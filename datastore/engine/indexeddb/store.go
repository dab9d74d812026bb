//go:build js

package indexeddb

import (
	"fmt"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// The object stores of a database. The log has commits by their numbers, the checkpoints values by
// generation and number, and meta the state.
var (
	logStore        = js.ValueOf("log")
	checkpointStore = js.ValueOf("checkpoint")
	metaStore       = js.ValueOf("meta")
)

// Stores of a transaction. A commit does not wait for a value of a checkpoint, which has another store.
var (
	allStores   = js.ValueOf([]any{logStore, checkpointStore, metaStore})
	stateAndLog = js.ValueOf([]any{metaStore, logStore})
)

// The keys of the store meta.
const (
	stateKey = "state"
	syncKey  = "sync"
)

// valueKey is the key of a value of a checkpoint.
func valueKey(generation, n uint64) []any { return []any{float64(generation), float64(n)} }

// The durabilities of transactions.
var (
	strict  = js.ValueOf(map[string]any{"durability": "strict"})
	relaxed = js.ValueOf(map[string]any{"durability": "relaxed"})
)

// relaxedBytes is how large a value may be that is written without waiting for the disk. Chromium writes
// larger ones to files, which a later transaction would not wait for.
const relaxedBytes = 16 << 10

// Read implements journal.Storage.
func (d *idb) Read(after uint64, most int) (s journal.State, commits []journal.Commit, err error) {
	var meta, keys, values js.Value
	err = d.do(stateAndLog, readOnly, relaxed, func(store func(js.Value) js.Value) {
		meta = store(metaStore).Call("get", stateKey)
		if most == 0 {
			return // for getAll it means as many as there are
		}
		behind := keyRange.Call("lowerBound", float64(after), true)
		keys, values = store(logStore).Call("getAllKeys", behind, most), store(logStore).Call("getAll", behind, most)
	})
	if err != nil {
		return s, nil, err
	}
	if meta = meta.Get("result"); !meta.IsUndefined() {
		b, err := toGo(meta)
		if err == nil {
			s, err = journal.ParseState(b)
		}
		if err != nil {
			return s, nil, fmt.Errorf("state: %w", err)
		}
	}
	if most == 0 {
		return s, nil, nil
	}
	keys = keys.Get("result")
	batches, err := allToGo(values.Get("result"))
	if err != nil {
		return s, nil, fmt.Errorf("log: %w", err)
	}
	for i, batch := range batches {
		seq := keys.Index(i)
		if seq.Type() != js.TypeNumber {
			return s, nil, fmt.Errorf("log: %w: a key is no number", engine.ErrCorrupt)
		}
		commits = append(commits, journal.Commit{Seq: uint64(seq.Float()), Batch: batch})
	}
	return s, commits, nil
}

// Append implements journal.Storage.
func (d *idb) Append(c journal.Commit, durable bool) error {
	durability := relaxed
	if durable || len(c.Batch) > relaxedBytes {
		durability = strict
	}
	return d.do(logStore, readWrite, durability, func(store func(js.Value) js.Value) {
		methods().add.Invoke(store(logStore), jsvalue.FromBytes(c.Batch), float64(c.Seq))
	})
}

// Sync implements journal.Storage. A strict transaction waits for those before it.
func (d *idb) Sync() error {
	return d.do(metaStore, readWrite, strict, func(store func(js.Value) js.Value) {
		store(metaStore).Call("put", 0, syncKey)
	})
}

// Values implements journal.Storage.
func (d *idb) Values(generation, from uint64, most int) ([][]byte, error) {
	requests := make([]js.Value, most)
	err := d.do(checkpointStore, readOnly, relaxed, func(store func(js.Value) js.Value) {
		for i := range requests {
			requests[i] = store(checkpointStore).Call("get", valueKey(generation, from+uint64(i)))
		}
	})
	if err != nil {
		return nil, err
	}
	var values [][]byte
	for _, request := range requests {
		value := request.Get("result")
		if value.IsUndefined() {
			break
		}
		b, err := toGo(value)
		if err != nil {
			return nil, err
		}
		values = append(values, b)
	}
	return values, nil
}

// Begin implements journal.Storage.
func (d *idb) Begin(next journal.State) error {
	return d.do(checkpointStore, readWrite, relaxed, func(store func(js.Value) js.Value) {
		store(checkpointStore).Call("delete", keyRange.Call("lowerBound", valueKey(next.Generation, 0)))
	})
}

// PutValue implements journal.Storage.
func (d *idb) PutValue(generation, n uint64, value []byte) error {
	return d.do(checkpointStore, readWrite, strict, func(store func(js.Value) js.Value) {
		store(checkpointStore).Call("put", jsvalue.FromBytes(value), valueKey(generation, n))
	})
}

// Switch implements journal.Storage.
func (d *idb) Switch(to journal.State) error {
	return d.do(allStores, readWrite, strict, func(store func(js.Value) js.Value) {
		store(metaStore).Call("put", jsvalue.FromBytes(to.Append(nil)), stateKey)
		others := keyRange.Call("upperBound", valueKey(to.Generation, 0), true)
		store(checkpointStore).Call("delete", others)
		store(logStore).Call("delete", keyRange.Call("upperBound", float64(to.Before)))
	})
}

// clear deletes everything.
func (d *idb) clear() error {
	return d.do(allStores, readWrite, strict, func(store func(js.Value) js.Value) {
		for _, name := range []js.Value{logStore, checkpointStore, metaStore} {
			store(name).Call("clear")
		}
	})
}

// toGo copies bytes from JavaScript.
func toGo(v js.Value) ([]byte, error) {
	b, ok := jsvalue.Bytes(v)
	if !ok {
		return nil, fmt.Errorf("%w: a value is no array of bytes", engine.ErrCorrupt)
	}
	return b, nil
}

func allToGo(values js.Value) ([][]byte, error) {
	all := make([][]byte, values.Length())
	for i := range all {
		b, err := toGo(values.Index(i))
		if err != nil {
			return nil, err
		}
		all[i] = b
	}
	return all, nil
}
