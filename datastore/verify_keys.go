package datastore

import (
	"encoding/hex"
	"slices"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// keyText returns a stored key of the tree, or of one of its indexes, as people
// write it, or nothing where its parts cannot be told.
func (t treeCheck) keyText(index string, key []byte) string {
	_, encoded, err := format.CutSpace(key)
	switch {
	case err != nil || t.name == "" || index == expiryQueue:
		return ""
	case index == "" && t.core != nil:
		return t.core.FormatKey(encoded)
	case index == "":
		return lastText(t.untyped.entry.Key, encoded)
	case t.core != nil:
		number := slices.IndexFunc(t.core.Indexes, func(ix *session.Index) bool { return ix.Name == index })
		if number >= 0 {
			return t.entryText(t.core.Indexes[number], encoded)
		}
	default:
		return t.untypedEntryText(encoded)
	}
	return ""
}

// entryText returns the index key of an entry, and of which row it is where that
// is in its key.
func (t treeCheck) entryText(ix *session.Index, entry []byte) string {
	index, primary, err := ix.CutKey(entry)
	switch {
	case err != nil:
		return ""
	case ix.Kind.KeyInValue():
		return ix.FormatKey(index)
	}
	return ix.FormatKey(index) + " of row " + t.core.FormatKey(primary)
}

// untypedEntryText is entryText by what the catalog tells.
func (t treeCheck) untypedEntryText(entry []byte) string {
	cut := t.index.cutter()
	if cut == nil {
		return ""
	}
	index, primary, err := cut(entry)
	switch {
	case err != nil:
		return ""
	case t.index.Kind.KeyInValue():
		return t.index.text(index)
	}
	row := lastText(t.untyped.entry.Key, primary)
	if row == "" {
		row = "0x" + hex.EncodeToString(primary)
	}
	return t.index.text(index) + " of row " + row
}

// lastText returns an encoded key as people write it, by the name of its codec,
// or nothing where the codec is not known or the key does not decode.
func lastText(codec string, encoded []byte) string {
	known, ok := models.KeyCodecNamed(codec)
	if !ok {
		return ""
	}
	key, err := known.DecodeLast(encoded)
	if err != nil {
		return ""
	}
	return known.Format(key)
}
