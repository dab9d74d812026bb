package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/record"
)

// Peers tell each other which version of a model is the newer one.
func TestSchemas(t *testing.T) {
	ctx := t.Context()
	versions := []trading{shop1, shop1, shop2, shop3}
	nodes := make([]*node, len(versions))
	for i, v := range versions {
		nodes[i] = newNodeWith(t, memory.Engine(), optionsOf(v.definition()))
	}
	connectAll(t, nodes)

	for _, c := range []struct {
		asks, told int
		want       shape.Relation
	}{{0, 1, shape.Same}, {0, 2, shape.Newer}, {2, 0, shape.Older}, {2, 3, shape.Diverged}} {
		all, err := nodes[c.asks].node.Schemas(ctx, nodes[c.told].host.ID())
		if err != nil {
			t.Fatal(err)
		}
		trees := versions[c.told].trees()
		if len(all) != len(trees) {
			t.Errorf("peer %d has %d trees, want %d", c.told, len(all), len(trees))
		}
		for _, s := range all {
			if !s.Known || s.Relation != c.want {
				t.Errorf("peer %d takes %s of peer %d for %v, known %t; want %v",
					c.asks, s.Tree, c.told, s.Relation, s.Known, c.want)
			}
			_, err := nodes[c.asks].node.FetchSchema(ctx, nodes[c.told].host.ID(), s.Tree, [32]byte{1})
			if !errors.Is(err, models.ErrNotFound) {
				t.Errorf("a schema of another hash: %v", err)
			}
		}
	}

	// A tree that only the other peer has is listed, and its schema can be fetched.
	stranger := newNodeWith(t, memory.Engine(), market())
	connectAll(t, []*node{nodes[0], stranger})
	all, err := nodes[0].node.Schemas(ctx, stranger.host.ID())
	if err != nil || len(all) != len(Market.Trees()) {
		t.Fatal(all, err)
	}
	for _, s := range all {
		fetched, err := nodes[0].node.FetchSchema(ctx, stranger.host.ID(), s.Tree, s.Hash)
		if s.Known || err != nil || fetched.Tree != s.Tree || fetched.Shape.Hash() != s.Hash {
			t.Errorf("%+v: fetched %v, %v", s, fetched, err)
		}
	}

	if err := stranger.records.Close(); err != nil {
		t.Fatal(err)
	}
	if all, err := nodes[0].node.Schemas(ctx, stranger.host.ID()); err == nil {
		t.Errorf("a peer that has closed its records answers %v", all)
	}
}

// Answers of other peers that are none give an error.
func TestHostileSchemas(t *testing.T) {
	a := newNodeWith(t, memory.Engine(), optionsOf(shop1.declared))
	b := newNodeWith(t, memory.Engine(), optionsOf(shop2.declared))
	connectAll(t, []*node{a, b})
	schema := func(tree models.AnyTree) string {
		var file bytes.Buffer
		if err := tree.Schema().Write(&file); err != nil {
			t.Fatal(err)
		}
		return file.String()
	}
	hash := shop2.open.Schema().Shape.Hash()
	list := fmt.Sprintf(`[{"tree":%q,"hash":"%x"}]`, shop2.open.Name(), hash)
	for name, answers := range map[string]struct{ list, file string }{
		"nothing":        {"", ""},
		"no list":        {"{}", ""},
		"no hash":        {`[{"tree":"a.b","hash":"00"}]`, ""},
		"out of order":   {`[{"tree":"z.z","hash":"` + fmt.Sprintf("%x", hash) + `"},` + list[1:], ""},
		"endless":        {"[" + string(bytes.Repeat([]byte(" "), 2<<20)), ""},
		"no file":        {list, "nothing"},
		"another tree":   {list, schema(shop2.signed)},
		"another schema": {list, schema(shop1.open)},
	} {
		b.host.SetStreamHandler(record.SchemaProtocol, func(s network.Stream) {
			answer := answers.list
			if question, err := io.ReadAll(s); err != nil || len(question) > 0 {
				answer = answers.file
			}
			_, _ = io.WriteString(s, answer) // the other side may have had enough
			_ = s.Close()
		})
		if all, err := a.node.Schemas(t.Context(), b.host.ID()); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s: %v, %v", name, all, err)
		}
	}

	// A peer that does not answer is given up when the context ends.
	held := make(chan network.Stream, 1)
	b.host.SetStreamHandler(record.SchemaProtocol, func(s network.Stream) { held <- s })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if all, err := a.node.Schemas(ctx, b.host.ID()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, %v", all, err)
	}
	_ = (<-held).Reset() // ends the test's own stream
}

// Peers that ask for what there is not, or keep many questions open, do not keep others from an
// answer.
func TestHostileSchemaQuestions(t *testing.T) {
	a := newNodeWith(t, memory.Engine(), optionsOf(shop1.declared))
	b := newNodeWith(t, memory.Engine(), optionsOf(shop2.declared))
	connectAll(t, []*node{a, b})
	ask := func(question []byte) network.Stream {
		s, err := b.host.NewStream(t.Context(), a.host.ID(), record.SchemaProtocol)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.Write(question) // refused or not, the answer tells
		return s
	}
	for _, question := range [][]byte{{1}, make([]byte, 31), make([]byte, 1<<20)} {
		s := ask(question)
		_ = s.CloseWrite()
		if answer, err := io.ReadAll(s); err == nil || len(answer) > 0 {
			t.Errorf("a question of %d bytes: %d bytes, %v", len(question), len(answer), err)
		}
	}
	var open []network.Stream
	for range 50 {
		open = append(open, ask([]byte{1}))
	}
	for _, s := range open {
		_ = s.Reset()
	}
	for i := 0; ; i++ { // the host learns of resets on its own
		all, err := b.node.Schemas(t.Context(), a.host.ID())
		if err == nil && len(all) == 3 {
			break
		}
		if i == 100 {
			t.Fatal(all, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
