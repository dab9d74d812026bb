package models

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// Policy says whether the rows of a tree travel between peers, and who may write
// them then. It is declared with [WithPolicy] and kept in the store's catalog: a
// store refuses a definition whose policy differs from the stored one. All peers
// of a network have to agree on it.
type Policy uint8

const (
	// Local is the policy of a tree that stays in this store, the default.
	Local Policy = iota
	// Open lets anyone put a record. When two records have one key, the one with
	// the higher clock ([WithClock]) wins; when their clocks are equal, the one
	// with the larger bytes wins.
	Open
	// Signed lets only the owner write a record. The owner is the peer that the
	// primary key names. Rows are written by package record, which signs them;
	// every ordinary write returns ErrPolicy.
	Signed
	// Immutable lets anyone put a record, and lets nobody change it: its primary
	// key is the SHA-256 of its value. An ordinary write of a row under another
	// key returns ErrPolicy. A deleted row is gone from this store alone.
	Immutable
)

// String returns the name of the policy as the catalog has it.
func (p Policy) String() string {
	switch p {
	case Local:
		return "local"
	case Open:
		return "open"
	case Signed:
		return "signed"
	case Immutable:
		return "immutable"
	}
	return fmt.Sprintf("policy(%d)", uint8(p))
}

// WithPolicy declares the policy of a tree. Defaults to [Local].
func WithPolicy[M any](p Policy) TreeOption[M] {
	return func(o *treeOptions[M]) { o.policy = p }
}

// Policy returns the policy that the tree was declared with.
func (t *Tree[M, K]) Policy() Policy { return t.policy }

// mayWrite returns ErrPolicy where an ordinary call may not write to the tree at
// all.
func (t *table) mayWrite(s *session.Session) error {
	if t.policy == Signed && !s.Trusted {
		return fmt.Errorf("%w: rows of a signed tree are written by record.Publish and record.Retract", ErrPolicy)
	}
	return nil
}

// mayStore returns ErrPolicy where an ordinary call may not store row at key.
func (t *table) mayStore(s *session.Session, place *session.Place, key, row []byte) error {
	if t.policy != Immutable || s.Trusted {
		return nil
	}
	parsed, err := format.ParseRow(key, row)
	if err == nil {
		parsed, err = place.Unpacker.Plain(parsed)
	}
	if err != nil {
		return err
	}
	if hash := sha256.Sum256(parsed.Value); !bytes.Equal(hash[:], key[len(place.Space):]) {
		return fmt.Errorf("%w: the tree is immutable, and the value has the hash %x; record.Identify gives a "+
			"model its key",
			ErrPolicy, hash)
	}
	return nil
}
