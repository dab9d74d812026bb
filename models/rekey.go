package models

import (
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// WithKeyVersion says that the tree has had other primary keys, taken from its rows by another
// function or written by another codec. Version counts them: raise it whenever you change the
// primary key. Without the option it is 0.
//
// When datastore.Open finds rows of a lower version, it stores all of them anew, under the primary
// keys that they have now, and builds all indexes, before it returns. It works in short
// transactions, and the next Open goes on if it is interrupted. Meanwhile the tree takes twice its
// space. A program with a lower version is refused. So is the change if two rows have one primary
// key now, or if a row cannot be read: Open then returns an error that names the rows, and the
// store is as it was. Rows that an interrupted Open has copied stay as they are: raise the version
// again if you mend the function before the next one.
//
// The option is for trees that are [Local], since peers know rows by their keys, and for codecs that
// write the whole model, without [WithKey]. Earlier types of the model may have had other primary
// keys: see [WithEarlier].
func WithKeyVersion[M any](version uint32) TreeOption[M] {
	return func(o *treeOptions[M]) { o.keyVersion = version }
}

// IndexVersion says that the index has been another one. Version counts them: raise it whenever you
// change the extractor, the key codec, the kind or the condition of the index. Without the option
// it is 0.
//
// When datastore.Open finds an index of a lower version, it builds the index anew before it returns.
// The old one goes when the new one is whole. If that fails, because two rows have one key of a
// [Unique], the store is as it was. A program with a lower version is refused.
func IndexVersion[M any](version uint32) IndexOption[M] {
	return func(o *indexOptions[M]) { o.version = version }
}

// rekey returns the encoded primary key of a row that may have another one in p, and its value as
// the newest schema version has it.
func (t *table) rekey(p *session.Place, row format.Row) (primary, value []byte, err error) {
	value, err = valueOf(p, row)
	if err != nil {
		return nil, nil, err
	}
	m := t.types.take()
	defer t.types.give(m)
	if err := t.read(m, nil, value); err != nil {
		return nil, nil, corruptValue(err)
	}
	return t.types.appendPrimary(nil, m), value, nil
}
