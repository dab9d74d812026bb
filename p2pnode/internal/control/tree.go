package control

import (
	"context"
	"iter"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// Text reads and writes the keys and rows of a tree as people do. Keys are encoded: those of rows in
// their last form, those of indexes in their delimited one.
type Text interface {
	// ParseRow reads a row that is written as JSON.
	ParseRow(src []byte) (key, value []byte, err error)
	// AppendRow appends a row as DAG-JSON.
	AppendRow(dst, key, value []byte) ([]byte, error)
	// ParseKey and ParseIndexKey read keys, FormatIndexKey writes one.
	ParseKey(text string) ([]byte, error)
	ParseIndexKey(index, text string) ([]byte, error)
	FormatIndexKey(index string, key []byte) string
	// Prefix and IndexPrefix return the bytes that the keys begin with whose text begins with text.
	Prefix(text string) ([]byte, error)
	IndexPrefix(index, text string) ([]byte, error)
	// Condition reads a comparison, as in Votes >= 5. Order reads the name of a field to sort by,
	// with a minus sign for the other direction.
	Condition(text string) (func(key, value []byte) (bool, error), error)
	Order(text string) (func(a, b models.RawRow) (int, error), error)
	// FindBlind yields the keys of the rows that a blind index has under a key.
	FindBlind(ctx context.Context, from models.Reader, index, key string) iter.Seq2[[]byte, error]
}

// Tree is one of a node's models.
type Tree struct {
	models.AnyTree
	text Text

	publish func(context.Context, *record.Node, []byte, []byte) (record.PublishReport, error)
	retract func(context.Context, *record.Node, []byte) (record.PublishReport, error)
	resolve func(context.Context, *record.Node, []byte) (key, value []byte, err error)
	status  func(context.Context, *record.Records, []byte) (record.Status, error)
	watch   func(context.Context, *record.Records, int) (iter.Seq2[arrival, error], error)
}

// arrival is a record that the network has placed here.
type arrival struct {
	key, value []byte
	retracted  bool
}

// Host returns tree as one of a node's models, whose keys and rows text reads and writes.
func Host[M, K any](tree *models.Tree[M, K], text Text) *Tree {
	return &Tree{
		AnyTree: tree, text: text,
		publish: func(ctx context.Context, n *record.Node, key, value []byte) (report record.PublishReport, err error) {
			m, err := tree.Decode(key, value)
			if err != nil {
				return report, err
			}
			return record.Publish(ctx, n, tree, &m)
		},
		retract: func(ctx context.Context, n *record.Node, encoded []byte) (report record.PublishReport, err error) {
			key, err := tree.DecodeKey(encoded)
			if err != nil {
				return report, err
			}
			return record.Retract(ctx, n, tree, key)
		},
		resolve: func(ctx context.Context, n *record.Node, encoded []byte) (_, value []byte, err error) {
			key, err := tree.DecodeKey(encoded)
			if err != nil {
				return nil, nil, err
			}
			m, err := record.Resolve(ctx, n, tree, key)
			if err != nil {
				return nil, nil, err
			}
			return tree.Encode(&m)
		},
		status: func(ctx context.Context, r *record.Records, encoded []byte) (s record.Status, err error) {
			key, err := tree.DecodeKey(encoded)
			if err != nil {
				return s, err
			}
			return record.StatusOf(ctx, r, tree, key)
		},
		watch: func(ctx context.Context, r *record.Records, buffer int) (iter.Seq2[arrival, error], error) {
			arrivals, err := record.Watch(ctx, r, tree, buffer)
			if err != nil {
				return nil, err
			}
			return func(yield func(arrival, error) bool) {
				for a, err := range arrivals {
					var out arrival
					if err == nil {
						out.key, out.retracted = tree.EncodeKey(a.Key), a.Retracted
						if !a.Retracted {
							_, out.value, err = tree.Encode(&a.Model)
						}
					}
					if !yield(out, err) {
						return
					}
				}
			}, nil
		},
	}
}
