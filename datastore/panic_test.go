package datastore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// fuse counts calls of people's codecs and extractors down to one that panics. It is
// off at 0.
var fuse atomic.Int64

func burn() {
	if fuse.Load() > 0 && fuse.Add(-1) == 0 {
		panic("the fuse has blown")
	}
}

// fragileCodec and fragileKeys burn the fuse.
type fragileCodec struct{ models.Codec[person] }

func (c fragileCodec) Append(dst []byte, p *person) ([]byte, error) {
	burn()
	return c.Codec.Append(dst, p)
}

func (c fragileCodec) Decode(src []byte, p *person) error {
	burn()
	return c.Codec.Decode(src, p)
}

type fragileKeys[K any] struct{ models.KeyCodec[K] }

func (c fragileKeys[K]) AppendLast(dst []byte, key K) []byte {
	burn()
	return c.KeyCodec.AppendLast(dst, key)
}

func (c fragileKeys[K]) DecodeLast(src []byte) (K, error) {
	burn()
	return c.KeyCodec.DecodeLast(src)
}

// try calls fn and reports whether it has panicked.
func try(fn func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	fn()
	return false
}

// A codec or an extractor that panics in any operation, whichever call of it, ends
// what the operation has begun: no transaction stays open, so that the store closes,
// and it is whole. A program may have recovered, as net/http does.
func TestPanickingCodec(t *testing.T) {
	ctx := t.Context()
	defer fuse.Store(0)
	for name, operation := range operations(ctx) {
		t.Run(name, func(t *testing.T) {
			for call := int64(1); ; call++ {
				eng := &enginetest.Failing{Engine: memory.Engine()}
				h := &harness{t: t, engine: eng, definitions: []*models.Definition{town}}
				h.open()
				fillTown(t, h.Store, 8)
				fuse.Store(call)
				var err error
				panicked := try(func() { err = operation(h.Store) })
				fuse.Store(0)
				if !panicked && err != nil {
					t.Fatalf("call %d: %v", call, err)
				}
				if n := eng.Transactions(); n != 0 {
					t.Fatalf("call %d: %d transactions are open", call, n)
				}
				h.close() // which verifies
				if !panicked {
					return
				}
			}
		})
	}
}

// So does an extractor that panics while Open fills its index: the database is
// closed, and can be opened again.
func TestPanickingOpen(t *testing.T) {
	ctx, eng := t.Context(), memory.Engine()
	notes, definition := newNotes()
	s, err := datastore.Open(ctx, eng, definition)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(notes.Put(ctx, s, &note{ID: 1}), s.Close()); err != nil {
		t.Fatal(err)
	}
	broken := true
	notes = models.NewTree("note", models.Uint64, func(n *note) uint64 { return n.ID })
	models.NewIndex(notes, "text", models.String, func(n *note) string {
		if broken {
			panic("broken")
		}
		return n.Text
	})
	definition = models.NewDefinition("notes", notes)
	if !try(func() { _, _ = datastore.Open(ctx, eng, definition) }) {
		t.Error("it has not panicked")
	}
	broken = false
	datastore.Temp(t, eng, definition)
}

// A nil context panics, or is refused, before anything is begun, on every engine.
func TestNilContext(t *testing.T) {
	for engineName, newEngine := range engines {
		eng := &enginetest.Failing{Engine: newEngine(t)}
		h := &harness{t: t, engine: engine.Engine(eng), definitions: []*models.Definition{town}}
		h.open()
		fillTown(t, h.Store, 8)
		var none context.Context
		for name, operation := range operations(none) {
			var err error
			if !try(func() { err = operation(h.Store) }) && err == nil {
				t.Errorf("%s: %s takes a nil context", engineName, name)
			}
			if n := eng.Transactions(); n != 0 {
				t.Fatalf("%s: %s leaves %d transactions open", engineName, name, n)
			}
		}
		h.close()
	}
}
