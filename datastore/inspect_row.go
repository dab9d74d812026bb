package datastore

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/dagjson"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// InspectedRow is a row read without its Go type. Its memory is the caller's.
type InspectedRow struct {
	// Key is the primary key as people write it, by the codec's Format; or the
	// stored key in hex where the key codec is not one of package models or the
	// key is damaged.
	Key string
	// Primary is the encoded primary key, with which RowsFrom begins at this row. It is nil if
	// the stored key is damaged.
	Primary []byte
	// Value is the row as JSON by the rules of DAG-JSON: byte strings are {"/":
	// {"bytes": base64}}. A value of a codec other than DAG-CBOR is one such
	// byte string.
	Value json.RawMessage
	// Schema is the version of the model's shape that the row was written in.
	Schema uint32
	// Expires is when the row expires; zero if it does not.
	Expires time.Time
	// Size is the length of the stored key and value.
	Size int
	// Err tells why the row cannot be read: it matches models.ErrCorrupt if the row is
	// damaged, models.ErrTampered if somebody without the key has changed it, ErrNoKey if the
	// store is inspected without its key, and models.ErrVersion if a newer version has written it. It is nil for a row
	// that can be read, and Value is nil for one that cannot.
	Err error
}

// Rows yields every row of a tree in the order of the keys, expired ones
// included. A row that is damaged is yielded with its Err, and the next ones
// after it; the error beside the row is one of reading on, and the last item.
// Memory is bounded: rows are read in short pages, with no transaction open
// while the loop's body runs.
//
// Name is the tree's full name; a name the store does not have is
// models.ErrUnknownTree.
func (in *Inspection) Rows(ctx context.Context, name string) iter.Seq2[InspectedRow, error] {
	return in.RowsFrom(ctx, name, nil)
}

// RowsFrom is Rows from an encoded primary key on: the Primary of a row that was yielded before, or
// what a key codec's AppendLast writes. There need not be a row with this key.
func (in *Inspection) RowsFrom(ctx context.Context, name string, primary []byte) iter.Seq2[InspectedRow, error] {
	return func(yield func(InspectedRow, error) bool) {
		entry, err := in.tree(ctx, name)
		if err == nil {
			err = in.rows(ctx, name, entry, primary, yield)
		}
		if err != nil {
			yield(InspectedRow{}, fmt.Errorf("inspect rows of %s: %w", name, err))
		}
	}
}

// rows returns nil once yield has asked to stop.
func (in *Inspection) rows(
	ctx context.Context, name string, entry *treeEntry, from []byte, yield func(InspectedRow, error) bool,
) error {
	keys, _ := models.KeyCodecNamed(entry.Key)
	read, err := in.dictionaries(ctx, name, entry)
	if err != nil {
		return err
	}
	var page []InspectedRow
	stopped := false
	err = in.pages(ctx, entry.ID, from, func(key, stored []byte) {
		page = append(page, inspectRow(entry, keys, read, key, stored))
	}, func() bool {
		for i := range page {
			if !yield(page[i], nil) {
				stopped = true
				return false
			}
		}
		clear(page)
		page = page[:0]
		return true
	})
	if stopped {
		return nil
	}
	return err
}

// inspectRow reads the row stored at key, both of which are borrowed.
func inspectRow(
	entry *treeEntry, keys models.KeyCodec[any], unpacker *session.Unpacker, key, stored []byte,
) InspectedRow {
	seen := InspectedRow{Key: hex.EncodeToString(key), Size: len(key) + len(stored)}
	_, primary, err := format.CutSpace(key)
	if err != nil {
		seen.Err = fmt.Errorf("%w: %w", models.ErrCorrupt, err)
		return seen
	}
	seen.Primary = bytes.Clone(primary)
	if keys != nil {
		primary, err := keys.DecodeLast(primary)
		if err != nil {
			seen.Err = fmt.Errorf("%w: key does not decode: %w", models.ErrCorrupt, err)
			return seen
		}
		seen.Key = keys.Format(primary)
	}
	row, err := format.ParseRow(key, stored)
	if err == nil {
		row, err = unpacker.Plain(row)
	}
	if err != nil {
		seen.Err = err
		return seen
	}
	seen.Schema = row.Schema
	if row.Expiry != 0 {
		seen.Expires = time.Unix(0, row.Expiry).UTC()
	}
	if seen.Value, err = rowJSON(entry.Codec, row.Value); err != nil {
		seen.Err = fmt.Errorf("%w: value does not decode: %w", models.ErrCorrupt, err)
	}
	return seen
}

// dagCBOR is the name of the codec whose values describe themselves.
const dagCBOR = "dag-cbor"

// rowJSON returns what codec wrote as DAG-JSON.
func rowJSON(codec string, value []byte) (json.RawMessage, error) {
	if codec == dagCBOR {
		return dagjson.Append(nil, value)
	}
	return dagjson.AppendBytes(nil, value), nil
}
