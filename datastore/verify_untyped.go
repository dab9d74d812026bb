package datastore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// untyped is what the catalog tells of a tree whose definition is not there.
type untyped struct {
	entry *treeEntry
	// space is what the stored keys of rows begin with.
	space []byte
	// keys is nil for a codec of primary keys that is not known.
	keys models.KeyCodec[any]
	// unpacker is that of the tree.
	unpacker *session.Unpacker
}

func newUntyped(entry *treeEntry, unpacker *session.Unpacker) *untyped {
	keys, _ := models.KeyCodecNamed(entry.Key)
	return &untyped{entry: entry, space: entry.ID.Append(nil), keys: keys, unpacker: unpacker}
}

// untypedEntry checks that an entry of an index has a row.
func (t treeCheck) untypedEntry(p page, key, value []byte) error {
	if t.untyped == nil {
		return nil // of the expiry queue, which may run ahead
	}
	primary := value
	if !t.index.Kind.KeyInValue() {
		cut := t.index.cutter()
		if cut == nil {
			return nil
		}
		_, rest, err := cut(key[len(t.index.ID.Append(nil)):])
		if err != nil {
			return fmt.Errorf("%w: key does not decode: %w", models.ErrCorrupt, err)
		}
		primary = rest
	}
	_, err := rowOf(p, append(bytes.Clone(t.untyped.space), primary...))
	return err
}

// count compares the number of an index's entries with that of the rows. Which
// row lacks its entry cannot be told without the definition, nor be mended.
func (t treeCheck) count(rows, entries int64) {
	if t.index.Kind == session.Multi || t.index.Partial || t.index.State != ready || entries >= rows {
		return
	}
	t.found(Missing, t.index.Name, nil, errors.New("it has fewer entries than there are rows: a store opened with "+
		"its definition can tell which are missing"))
	t.report.Missing += rows - entries - 1
}
