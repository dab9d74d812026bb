package dynamic

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Index is an index of a [Tree], of any kind. Its keys have the type of the codec that the schema names, as
// those of a Tree do. It may be used concurrently.
type Index interface {
	// Name returns the index's own name.
	Name() string
	// Schema describes the index. Its Blind says that only Find works.
	Schema() shape.Index
	// ParseKey reads an index key as people write it. The error matches models.ErrInvalid.
	ParseKey(text string) (any, error)
	// FormatKey returns an index key as people write it.
	FormatKey(key any) string
	// Find yields the rows that have the key, in the order of their primary keys. In a unique index
	// these are the one row that models.Unique.Get returns, or none.
	Find(ctx context.Context, r models.Reader, key any) iter.Seq2[Row, error]
	// Range yields the rows whose index keys rng selects, as models.Index.Range does. An index that hides
	// its keys has no ranges: this, Keys and Count return models.ErrInvalid.
	Range(ctx context.Context, r models.Reader, rng models.Range[any]) iter.Seq2[Row, error]
	// Keys yields the entries whose index keys rng selects, as models.Index.Keys does.
	Keys(ctx context.Context, r models.Reader, rng models.Range[any]) iter.Seq2[models.Entry[any, any], error]
	// Count returns how many entries rng selects, as models.Index.Count does.
	Count(ctx context.Context, r models.Reader, rng models.Range[any]) (int, error)
}

// ranged is an index that shows its keys.
type ranged interface {
	Range(ctx context.Context, r models.Reader, rng models.Range[any]) iter.Seq2[Row, error]
	Keys(ctx context.Context, r models.Reader, rng models.Range[any]) iter.Seq2[models.Entry[any, any], error]
	Count(ctx context.Context, r models.Reader, rng models.Range[any]) (int, error)
}

// described is what all kinds of index have in common.
type described struct {
	schema shape.Index
	key    models.KeyCodec[any]
	tree   *Tree
}

func (d *described) Name() string { return d.schema.Name }

func (d *described) Schema() shape.Index { return d.schema }

func (d *described) ParseKey(text string) (any, error) {
	key, err := d.key.Parse(text)
	if err != nil {
		return nil, &models.Error{Op: "parse key", Tree: d.tree.Name(), Index: d.schema.Name, Err: err}
	}
	return key, nil
}

func (d *described) FormatKey(key any) string { return d.key.Format(key) }

// shared is an index by keys that rows may share.
type shared struct {
	described
	ranged
}

func (ix *shared) Find(ctx context.Context, r models.Reader, key any) iter.Seq2[Row, error] {
	return ix.Range(ctx, r, models.Only(key))
}

// unique is an index by keys that one row has.
type unique struct {
	described
	ranged
	get func(ctx context.Context, r models.Reader, key any) (Row, error)
}

func (ix *unique) Find(ctx context.Context, r models.Reader, key any) iter.Seq2[Row, error] {
	return oneOf(func() (Row, error) { return ix.get(ctx, r, key) })
}

// oneOf yields the row that get returns, if there is one.
func oneOf(get func() (Row, error)) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if row, err := get(); !errors.Is(err, models.ErrNotFound) {
			yield(row, err)
		}
	}
}

// blind is an index that hides its keys.
type blind struct {
	described
	find func(ctx context.Context, r models.Reader, key any) iter.Seq2[Row, error]
}

func (ix *blind) Find(ctx context.Context, r models.Reader, key any) iter.Seq2[Row, error] {
	return ix.find(ctx, r, key)
}

func (ix *blind) hidden(op string) error {
	return &models.Error{
		Op: op, Tree: ix.tree.Name(), Index: ix.schema.Name,
		Err: fmt.Errorf("%w: the index hides its keys and finds rows by whole keys only", models.ErrInvalid),
	}
}

func (ix *blind) Range(context.Context, models.Reader, models.Range[any]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) { yield(Row{}, ix.hidden("range")) }
}

func (ix *blind) Keys(
	context.Context, models.Reader, models.Range[any],
) iter.Seq2[models.Entry[any, any], error] {
	return func(yield func(models.Entry[any, any], error) bool) {
		yield(models.Entry[any, any]{}, ix.hidden("range"))
	}
}

func (ix *blind) Count(context.Context, models.Reader, models.Range[any]) (int, error) {
	return 0, ix.hidden("count")
}

// newIndex declares an index of the tree.
func (o *options) newIndex(t *Tree, s shape.Index) (Index, error) {
	if s.Fields == nil {
		return nil, errors.New("fields: the schema does not say from which fields its keys are made; declare them " +
			"with models.Fields and write the schema anew, or leave the index out")
	}
	travels := t.Policy() != models.Local
	isUnique, isMulti := s.Kind == "unique" || s.Kind == "claim", s.Kind == "multi"
	switch {
	case s.Kind == "unique" && travels:
		return nil, fmt.Errorf("kind: a unique index of a tree that is %v is a claim", t.Policy())
	case s.Kind == "claim" && !travels:
		return nil, errors.New("kind: a claim of a tree that is local is unique")
	case isMulti && s.Blind:
		return nil, errors.New("blind: a multi index does not hide its keys")
	}
	if _, ok := o.keyCodec(s.Key); !ok {
		return nil, fmt.Errorf("key: no key codec is named %.140q", s.Key)
	}
	k, err := o.newKey(t.model, s.Key, s.Fields, s.Optional, isMulti)
	if err != nil {
		return nil, fmt.Errorf("fields: %w", err)
	}
	d := described{schema: s, key: k.codec, tree: t}
	opts := []models.IndexOption[Row]{models.Fields[Row](s.Fields...), models.IndexVersion[Row](s.Version)}
	if s.Partial {
		opts = append(opts, models.Where(k.has), models.OptionalFields[Row](s.Optional...))
	}
	switch {
	case isMulti:
		return &shared{d, models.NewMulti(t.Tree, s.Name, k.codec, k.all, opts...)}, nil
	case s.Blind && isUnique:
		ix := models.NewBlindUnique(t.Tree, s.Name, k.codec, k.of, opts...)
		return &blind{d, func(ctx context.Context, r models.Reader, key any) iter.Seq2[Row, error] {
			return oneOf(func() (Row, error) { return ix.Get(ctx, r, key) })
		}}, nil
	case s.Blind:
		return &blind{d, models.NewBlind(t.Tree, s.Name, k.codec, k.of, opts...).Find}, nil
	case isUnique:
		ix := models.NewUnique(t.Tree, s.Name, k.codec, k.of, opts...)
		return &unique{d, ix, ix.Get}, nil
	default:
		return &shared{d, models.NewIndex(t.Tree, s.Name, k.codec, k.of, opts...)}, nil
	}
}
