package control

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/record"
)

// Tree is one of a node's models. Rows and keys are handled encoded; text reads and writes them as
// people do.
type Tree struct {
	models.AnyTree
	text    *dynamic.Tree
	keys    keys
	indexes map[string]index

	put     func(ctx context.Context, w models.Writer, key, value []byte, how putting) error
	publish func(ctx context.Context, n *record.Node, key, value []byte) (record.PublishReport, error)
	retract func(ctx context.Context, n *record.Node, key []byte) (record.PublishReport, error)
	resolve func(ctx context.Context, n *record.Node, key []byte) (value []byte, err error)
	status  func(ctx context.Context, r *record.Records, key []byte) (record.Status, error)
}

// index is an index of a tree.
type index struct {
	raw   models.RawIndex
	keys  keys
	blind bool
}

// putting says how a row is put.
type putting struct {
	insert  bool
	expires time.Time
}

// Host returns tree as one of a node's models. The schema of the tree has to say what fields its keys
// are made of, and must have no blind index, or the error matches models.ErrDefinition.
func Host[M, K any](tree *models.Tree[M, K]) (*Tree, error) {
	for _, ix := range tree.Schema().Indexes {
		if ix.Blind {
			return nil, fmt.Errorf("%w: %s/%s: a blind index is searched by a tree made from its schema only",
				models.ErrDefinition, tree.Name(), ix.Name)
		}
	}
	definitions, err := dynamic.Definitions([]shape.Schema{tree.Schema()}, dynamic.KeyCodecs(record.KeyCodecNamed))
	if err != nil {
		return nil, err
	}
	return host(tree, definitions[0].Trees()[0])
}

// HostDynamic is Host for a tree that was made from a schema.
func HostDynamic(tree *dynamic.Tree) (*Tree, error) { return host(tree.Tree, tree) }

func host[M, K any](tree *models.Tree[M, K], text *dynamic.Tree) (*Tree, error) {
	schema := tree.Schema()
	t := &Tree{AnyTree: tree, text: text, indexes: map[string]index{}}
	var err error
	if t.keys, err = newKeys(schema.Key); err != nil {
		return nil, fmt.Errorf("%s: %w", tree.Name(), err)
	}
	raw := tree.Raw().Indexes()
	for i, ix := range schema.Indexes {
		of := index{raw: raw[i], blind: ix.Blind}
		if of.keys, err = newKeys(ix.Key); err != nil {
			return nil, fmt.Errorf("%s/%s: %w", tree.Name(), ix.Name, err)
		}
		t.indexes[ix.Name] = of
	}
	t.put = func(ctx context.Context, w models.Writer, key, value []byte, how putting) error {
		m, err := tree.Decode(key, value)
		switch {
		case err != nil:
			return err
		case how.insert:
			return tree.Insert(ctx, w, &m)
		case how.expires.IsZero():
			return tree.Put(ctx, w, &m)
		}
		return tree.PutUntil(ctx, w, &m, how.expires)
	}
	t.publish = func(ctx context.Context, n *record.Node, key, value []byte) (report record.PublishReport, err error) {
		m, err := tree.Decode(key, value)
		if err != nil {
			return report, err
		}
		return record.Publish(ctx, n, tree, &m)
	}
	t.retract = func(ctx context.Context, n *record.Node, encoded []byte) (report record.PublishReport, err error) {
		key, err := tree.DecodeKey(encoded)
		if err != nil {
			return report, err
		}
		return record.Retract(ctx, n, tree, key)
	}
	t.resolve = func(ctx context.Context, n *record.Node, encoded []byte) ([]byte, error) {
		key, err := tree.DecodeKey(encoded)
		if err != nil {
			return nil, err
		}
		m, err := record.Resolve(ctx, n, tree, key)
		if err != nil {
			return nil, err
		}
		_, value, err := tree.Encode(&m)
		return value, err
	}
	t.status = func(ctx context.Context, r *record.Records, encoded []byte) (s record.Status, err error) {
		key, err := tree.DecodeKey(encoded)
		if err != nil {
			return s, err
		}
		return record.StatusOf(ctx, r, tree, key)
	}
	return t, nil
}

// Watch yields the changes of the tree's rows from now on. Buffer is how many may wait.
func (t *Tree) Watch(
	ctx context.Context, store models.Watchable, buffer int,
) (iter.Seq2[models.RawChange, error], error) {
	return t.Raw().Watch(ctx, store, models.Range[[]byte]{}, models.WatchOptions{Buffer: buffer})
}

// FormatKey returns an encoded key as people write it.
func (t *Tree) FormatKey(key []byte) string { return t.Raw().FormatKey(key) }

// travels reports whether rows of the tree are records of the network.
func (t *Tree) travels() bool { return t.Policy() != models.Local }

// parse reads a row that is written as JSON.
func (t *Tree) parse(src []byte) (key, value []byte, err error) {
	row, err := t.text.ParseJSON(src)
	if err != nil {
		return nil, nil, err
	}
	return t.text.Encode(&row)
}

// appendJSON appends a row as DAG-JSON.
func (t *Tree) appendJSON(dst, key, value []byte) ([]byte, error) {
	row, err := t.text.Decode(key, value)
	if err != nil {
		return nil, err
	}
	return row.AppendJSON(dst)
}

// recordKey returns the key of a row's record in the DHT.
func (t *Tree) recordKey(key []byte) (string, error) {
	text, err := t.Raw().PathText(key)
	return "/" + t.Name() + "/" + text, err
}
