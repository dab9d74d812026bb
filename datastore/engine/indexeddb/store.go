//go:build js

package indexeddb

import (
	"context"
	"encoding/binary"
	"fmt"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// The keys of the store meta.
const (
	stateKey = "state"
	syncKey  = "sync"
)

// state says which checkpoint there is.
type state struct {
	// seq is the number of the last commit in it, and before that of the one before it: the log goes back
	// to there, so that other tabs can read on.
	seq, before uint64
	// generation and chunks are where its values are.
	generation, chunks uint64
}

func (s *state) append(dst []byte) []byte {
	for _, n := range []uint64{s.seq, s.before, s.generation, s.chunks} {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	return dst
}

func parseState(b []byte) (s state, err error) {
	if len(b) != 32 {
		return s, fmt.Errorf("%w: the state of the database has %d bytes", engine.ErrCorrupt, len(b))
	}
	for i, n := range []*uint64{&s.seq, &s.before, &s.generation, &s.chunks} {
		*n = binary.BigEndian.Uint64(b[8*i:])
	}
	return s, nil
}

// chunkKey is the key of a value of a checkpoint.
func chunkKey(generation, chunk uint64) []any { return []any{float64(generation), float64(chunk)} }

func (d *idb) clear() error {
	return d.do("readwrite", "strict", func(store func(string) js.Value) {
		for _, name := range stores {
			store(name.(string)).Call("clear")
		}
	})
}

func (d *idb) sync() error {
	return d.do("readwrite", "strict", func(store func(string) js.Value) {
		store(metaStore).Call("put", 0, syncKey)
	})
}

// log adds a commit to the log. It fails if there is one with the number.
func (d *idb) log(seq uint64, batch []byte, durability string) error {
	return d.do("readwrite", durability, func(store func(string) js.Value) {
		store(logStore).Call("add", jsvalue.FromBytes(batch), float64(seq))
	})
}

// read returns the state, and the commits behind a number.
func (d *idb) read(after uint64) (s state, found bool, seqs []uint64, batches [][]byte, err error) {
	var meta, keys, values js.Value
	err = d.do("readonly", "relaxed", func(store func(string) js.Value) {
		meta = store(metaStore).Call("get", stateKey)
		behind := keyRange.Call("lowerBound", float64(after), true)
		keys, values = store(logStore).Call("getAllKeys", behind), store(logStore).Call("getAll", behind)
	})
	if err != nil {
		return s, false, nil, nil, err
	}
	if meta := meta.Get("result"); !meta.IsUndefined() {
		b, err := toGo(meta)
		if err == nil {
			s, err = parseState(b)
		}
		if err != nil {
			return s, false, nil, nil, err
		}
		found = true
	}
	keys, values = keys.Get("result"), values.Get("result")
	for i := range keys.Length() {
		batch, err := toGo(values.Index(i))
		if err != nil {
			return s, false, nil, nil, err
		}
		seqs, batches = append(seqs, uint64(keys.Index(i).Float())), append(batches, batch)
	}
	return s, found, seqs, batches, nil
}

// chunk returns a value of a checkpoint.
func (d *idb) chunk(generation, n uint64) (batch []byte, err error) {
	var request js.Value
	err = d.do("readonly", "relaxed", func(store func(string) js.Value) {
		request = store(checkpointStore).Call("get", chunkKey(generation, n))
	})
	if err != nil {
		return nil, err
	}
	return toGo(request.Get("result"))
}

// catchUp reads into memory what other tabs have committed, or all that there is. It is called in turn, or
// before there is another.
func (d *db) catchUp(ctx context.Context) error {
	for {
		s, found, seqs, batches, err := d.idb.read(d.seq)
		if err != nil {
			return err
		}
		gap := found && s.seq > d.seq && (len(seqs) == 0 || seqs[0] != d.seq+1)
		if !gap {
			return d.apply(ctx, seqs, batches)
		}
		if err := d.load(ctx, &s); err != nil {
			return err
		}
	}
}

// apply applies commits to the rows in memory, each as a whole.
func (d *db) apply(ctx context.Context, seqs []uint64, batches [][]byte) error {
	for i, seq := range seqs {
		if seq != d.seq+1 {
			return fmt.Errorf("%w: commit %d is missing from the log", engine.ErrCorrupt, d.seq+1)
		}
		if err := d.change(ctx, false, func(take func([]byte) error) error { return take(batches[i]) }); err != nil {
			return fmt.Errorf("commit %d: %w", seq, err)
		}
		d.seq = seq
		d.logged += int64(len(batches[i]))
		d.size.Add(int64(len(batches[i])))
	}
	return nil
}

// change changes the rows in memory by batches, in one transaction, after it has deleted all of them if
// anew is set.
func (d *db) change(ctx context.Context, anew bool, fn func(take func([]byte) error) error) error {
	txn, err := d.mem.Update(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	if anew {
		c := txn.Cursor(engine.Range{KeysOnly: true})
		defer c.Close()
		for c.Next() {
			if err := txn.Delete(c.Key()); err != nil {
				return err
			}
		}
	}
	err = fn(func(batch []byte) error {
		return parseBatch(batch, func(c change) error {
			if c.value == nil {
				return txn.Delete(c.key)
			}
			return txn.Put(c.key, c.value)
		})
	})
	if err != nil {
		return err
	}
	return txn.Commit(ctx, engine.Relaxed)
}

// load replaces the rows in memory by those of a checkpoint.
func (d *db) load(ctx context.Context, s *state) error {
	size := int64(0)
	err := d.change(ctx, true, func(take func([]byte) error) error {
		for n := range s.chunks {
			batch, err := d.idb.chunk(s.generation, n)
			if err == nil {
				size += int64(len(batch))
				err = take(batch)
			}
			if err != nil {
				return fmt.Errorf("value %d of the checkpoint: %w", n, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.seq, d.logged = s.seq, 0
	d.size.Store(size)
	return nil
}

// chunkBytes is how large a value of a checkpoint gets, about.
const chunkBytes = 1 << 20

// checkpoint writes all rows once more, and shortens the log. It is called by the writer.
func (d *db) checkpoint(ctx context.Context) error {
	before, _, _, _, err := d.idb.read(d.seq)
	if err != nil {
		return err
	}
	next := state{seq: d.seq, before: before.seq, generation: before.generation + 1}
	size := int64(0)
	put := func(batch []byte) error {
		size += int64(len(batch) + 4)
		err := d.idb.do("readwrite", "relaxed", func(store func(string) js.Value) {
			store(checkpointStore).Call("put", jsvalue.FromBytes(seal(batch)), chunkKey(next.generation, next.chunks))
		})
		next.chunks++
		return err
	}
	view, err := d.mem.View(ctx)
	if err != nil {
		return err
	}
	defer view.Discard()
	c := view.Cursor(engine.Range{})
	defer c.Close()
	var batch []byte
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			return err
		}
		if batch = appendPut(batch, c.Key(), value); len(batch) >= chunkBytes {
			if err := put(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	if len(batch) > 0 {
		if err := put(batch); err != nil {
			return err
		}
	}
	err = d.idb.do("readwrite", "strict", func(store func(string) js.Value) {
		store(metaStore).Call("put", jsvalue.FromBytes(next.append(nil)), stateKey)
		// Values of earlier checkpoints, and of those that were cut off.
		others := keyRange.Call("upperBound", []any{float64(next.generation)}, true)
		store(checkpointStore).Call("delete", others)
		store(logStore).Call("delete", keyRange.Call("upperBound", float64(next.before)))
	})
	if err != nil {
		return err
	}
	d.logged, d.relaxed = 0, false
	d.size.Store(size)
	return nil
}
