package models

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/reshape"
)

// WithMerge declares that two rows with one primary key become one when a record of the other comes
// from a peer, in place of a choice between them: a counter has the counts of both, and a set has the
// elements of both. Package models/merge has merges for the usual fields, and package
// models/merge/mergetest checks a merge in a test. Only a tree that is [Open] can have one: nobody
// merges what another peer has signed.
//
// All peers end with the same bytes, in whichever order records reach them and however often, if the
// merge is the same on all of them and
//
//   - commutes: merge(a, b) is merge(b, a),
//   - associates: merge(a, merge(b, c)) is merge(merge(a, b), c),
//   - is idempotent: merge(a, a) is a, of an a that was merged,
//
// for all models with one primary key, the ones that no program of yours would make included, since
// strangers can send them. The merge depends on its arguments alone: on no time, no random number, and
// no state of the peer. It leaves the arguments as they are; the result may share their memory. It
// returns a model with their primary key, is called concurrently, and runs within a transaction, so it
// does not use the store.
//
// Fields that the model does not have, which a newer version of the program has written, are united:
// where both rows have one, the larger bytes win.
//
// The merge works on what comes from elsewhere, and on record.Publish. Put, Insert, Replace and
// Modify replace what this store has, as in any tree: a program that changes a row does it with Modify
// or Upsert, so that nothing is lost that came in between.
func WithMerge[M any](merge func(a, b *M) M) TreeOption[M] {
	return func(o *treeOptions[M]) { o.merging = merge }
}

// Merges reports whether the tree was declared with [WithMerge].
func (r *Raw) Merges() bool { return r.core.Merged }

// Merge returns the merge of two values under one key, as the tree's codec writes it; both have passed
// Validate. It does not depend on which is a, and is a itself if the two are equal. Its error matches
// ErrMerge if the function of [WithMerge] made something that cannot be stored, and ErrInvalid if a
// value is not valid. A panic of that function is not recovered. In a tree without a merge the error
// matches ErrDefinition.
func (r *Raw) Merge(key, a, b []byte) ([]byte, error) {
	merged, err := r.tree.mergeValues(key, a, b)
	if err != nil {
		return nil, r.failAt("merge", key, err)
	}
	return merged, nil
}

func (t *table) mergeValues(primary, a, b []byte) ([]byte, error) {
	if !t.core.Merged {
		return nil, fmt.Errorf("%w: the tree has no WithMerge", ErrDefinition)
	}
	if bytes.Equal(a, b) {
		return a, nil
	}
	first, foreign, err := t.decodeStranger(nil, primary, a)
	if err != nil {
		return nil, err
	}
	second, alsoForeign, err := t.decodeStranger(nil, primary, b)
	if err != nil {
		return nil, err
	}
	if cmp.Or(cmp.Compare(t.types.clockOf(first), t.types.clockOf(second)), bytes.Compare(a, b)) > 0 {
		// So a merge that does not commute at least does the same on all peers.
		first, second = second, first
	}
	model := t.types.mergeModels(first, second)
	if err := t.checkKey(model, primary); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMerge, err)
	}
	merged, err := t.types.appendValue(nil, model)
	if err == nil && (foreign || alsoForeign) {
		merged, err = reshape.Union(nil, merged, a, b, t.foreign().shape)
	}
	if err == nil {
		_, err = t.validate(primary, merged)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMerge, err)
	}
	return merged, nil
}
