package models

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// table is the part of a tree that has models and keys without their types: a model is a *M, and a primary
// key is encoded. Go compiles the methods of [Tree] for each model, and those of table once.
type table struct {
	core   *session.Tree
	types  types
	policy Policy
	// topical says that one of the indexes is a topic.
	topical bool
	// keyless says that values do not have the primary key, as WithKey declares; verbatim that the codec
	// is one; and clocked that there is a clock.
	keyless, verbatim, clocked bool
	// foreign returns how values of other versions of the model are read: see foreignShapeOf.
	foreign func() *foreignShape
	raw     *Raw
	drafts  sync.Pool
}

// types is what a table has its [Tree] do, which knows the types.
type types interface {
	// fresh returns a zero model. Take does as well, of a pool that give returns it to.
	fresh() any
	take() any
	give(model any)

	// appendPrimary appends the primary key of a model in its last form, appendDelimited in its delimited
	// form. FormatPrimary returns it as people write it.
	appendPrimary(dst []byte, model any) []byte
	appendDelimited(dst []byte, model any) []byte
	formatPrimary(model any) string
	// setPrimary is of WithKey.
	setPrimary(model any, primary []byte) error

	// appendValue and decodeValue are those of the codec.
	appendValue(dst []byte, model any) ([]byte, error)
	decodeValue(value []byte, into any) error

	// clockOf returns the clock of a model, 0 in a tree without one, and mergeModels is of WithMerge.
	clockOf(model any) uint64
	mergeModels(a, b any) any

	// appendKeys adds to the list of each index the keys of a model, whose row has the encoded primary key,
	// and the value as its record has it. AppendPlain adds the keys of one index, not hidden if it is blind.
	appendKeys(to []keyList, place *session.Place, model any, primary, value []byte)
	appendPlain(index int, to *keyList, model any)
}

// declaration is what the options of a tree say that does not depend on its types.
type declaration struct {
	policy Policy
	// tombstones is of WithTombstones, nil where deletions do not travel.
	tombstones *session.Tombstones
	// compressed is of WithCompression, and feed of WithFeed.
	compressed bool
	feed       *Feed
	// givenUp is of WithGivenUp.
	givenUp []string
	// defaults are of WithDefault.
	defaults []fieldDefault
	// keyVersion is of WithKeyVersion.
	keyVersion uint32
	// keyFields and clockField are of KeyFields and ClockField.
	keyFields  []string
	clockField string
}

// anyCodec is the part of a [Codec] that does not depend on its model.
type anyCodec interface {
	Name() string
	Fields() []Field
}

// setUp makes the table of a tree. Clocked and merged say whether there are functions of WithClock and
// WithMerge, and keyless whether there is one of WithKey.
func (t *table) setUp(of types, name, key string, codec anyCodec, o declaration, clocked, merged, keyless bool) {
	t.core = &session.Tree{
		Name: name, Key: key, KeyVersion: o.keyVersion, Codec: codec.Name(), Policy: o.policy.String(),
		Fields: codec.Fields(), KeyFields: o.keyFields, Clock: o.clockField,
		ComputedClock: clocked && o.clockField == "" && o.policy != Local,
		Merged:        merged, Tombstones: o.tombstones,
		GivenUp: o.givenUp, Compressed: o.compressed,
	}
	t.types, t.policy, t.clocked, t.keyless = of, o.policy, clocked, keyless
	_, t.verbatim = codec.(verbatim)
	t.raw = &Raw{core: t.core, tree: t}
	t.foreign = foreignShapeOf(t.core, o.policy)
	t.drafts.New = func() any { return new(draft) }
	if !keyless {
		t.core.Rekey = t.rekey
	}
	t.core.CheckFields = sync.OnceValue(t.checkFields)
	t.core.Entries, t.core.Verify, t.core.Modernize = t.entries, t.verify, t.modernize
	t.core.Prepare, t.core.Store, t.core.Remove = t.prepare, t.storePrepared, t.remove
	t.core.Encode, t.core.PutRow = t.encodeValue, t.putRow

	if err := checkName(name); err != nil {
		t.fault("%w", err)
	}
	if o.policy > Immutable {
		t.fault("%w: there is no %v", ErrDefinition, o.policy)
	}
	if merged && o.policy != Open {
		t.fault("%w: WithMerge is for trees that are open, and it is %v", ErrDefinition, o.policy)
	}
	if err := t.checkTombstones(); err != nil {
		t.fault("%w", err)
	}
	if c, ok := codec.(interface{ Err() error }); ok && c.Err() != nil {
		t.fault("%w: %w", ErrDefinition, c.Err())
	}
	if t.core.Fault == nil {
		var err error
		if t.core.Fields, err = withDefaults(t.core.Fields, o.defaults); err != nil {
			t.fault("%w: %w", ErrDefinition, err)
		}
	}
	if err := shape.StructOf(t.core.Fields...).Check(); err != nil {
		t.fault("%w: fields of the codec: %w", ErrDefinition, err)
	}
	feed, err := o.feed.check()
	if err != nil {
		t.fault("%w", err)
	}
	t.core.Feed = feed
}

// fault notes what is wrong with the declaration of the tree.
func (t *table) fault(format string, args ...any) {
	t.core.Fault = fmt.Errorf("tree %q: "+format, append([]any{t.core.Name}, args...)...)
}

// draft returns memory to write one row with. It goes back to drafts.
func (t *table) draft() *draft {
	d := t.drafts.Get().(*draft)
	d.fit(len(t.core.Indexes))
	return d
}

// read decodes the value of the row under the encoded primary key into a model, which is zero.
func (t *table) read(into any, primary, value []byte) error {
	if err := t.types.decodeValue(value, into); err != nil || !t.keyless {
		return err
	}
	return t.types.setPrimary(into, primary)
}

// verify checks that a row decodes and belongs under the encoded primary key.
func (t *table) verify(p *session.Place, primary []byte, row format.Row) error {
	m := t.types.take()
	defer t.types.give(m)
	value, err := valueOf(p, row)
	if err != nil {
		return err
	}
	if err := t.read(m, primary, value); err != nil {
		return err
	}
	return t.checkKey(m, primary)
}

// checkKey checks that m belongs under the encoded primary key.
func (t *table) checkKey(m any, primary []byte) error {
	if !bytes.Equal(t.types.appendPrimary(nil, m), primary) {
		return fmt.Errorf("%w: the value belongs under the key %s", ErrInvalid, t.types.formatPrimary(m))
	}
	return nil
}

func (t *table) entries(
	p *session.Place, primary []byte, row format.Row, emit func(int, []byte) error,
) error {
	if len(t.core.Indexes) == 0 {
		return nil
	}
	d := t.draft()
	defer t.drafts.Put(d)
	m := t.types.take()
	defer t.types.give(m)
	if err := t.readOld(d, m, p, primary, row); err != nil {
		return err
	}
	for i := range d.old {
		for n := range d.old[i].len() {
			if err := emit(i, d.old[i].at(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// fail wraps err with what was asked of the tree, unless it says so already.
func (t *table) fail(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Op: op, Tree: t.core.Name, Err: err}
}

// failModel is fail with the key of the model.
func (t *table) failModel(op string, model any, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Op: op, Tree: t.core.Name, Key: t.types.formatPrimary(model), Err: err}
}
