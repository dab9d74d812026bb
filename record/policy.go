package record

import (
	"errors"
	"fmt"
	"strings"

	"github.com/newsnet-africa/netabase-go/models"
)

// Policy says who may put the records of a tree, and which of two for one key is
// the better. All peers of a network have to agree on it.
type Policy uint8

const (
	// OpenPolicy lets anyone put a record. The better of two has the higher clock
	// ([models.WithClock]), or of equal clocks the larger bytes.
	OpenPolicy Policy = iota
	// SignedPolicy lets only the owner put a record: the peer whose id the primary key
	// is or begins with. The tree's key codec is [PeerKey], or models.PairOf of
	// PeerKey and any other. What travels is an envelope signed with the owner's
	// key, which has a sequence number and expires; the better of two has the
	// higher number. See [Retract] on how a record is taken back.
	SignedPolicy
	// ImmutablePolicy lets anyone put a record, which nobody can change: the primary
	// key is the hash of the value. The tree's key codec is [HashKey], and the
	// key is no part of the value. See [Identify].
	ImmutablePolicy
)

func (p Policy) String() string {
	switch p {
	case OpenPolicy:
		return "open"
	case SignedPolicy:
		return "signed"
	case ImmutablePolicy:
		return "immutable"
	}
	return fmt.Sprintf("policy(%d)", uint8(p))
}

// ErrPolicy is returned for what the policy of a tree does not have, such as
// retracting a record that nobody owns.
var ErrPolicy = errors.New("the tree's policy does not have that")

// ErrNotOwner is returned for publishing or retracting a signed record of which
// the primary key names another peer.
var ErrNotOwner = errors.New("the record is another peer's")

// check reports what is wrong with a tree under the policy.
func (p Policy) check(tree models.AnyTree) error {
	key := tree.Core().Key
	switch {
	case p > ImmutablePolicy:
		return fmt.Errorf("%w: tree %s has no policy %v", models.ErrDefinition, tree.Name(), p)
	case p == SignedPolicy && key != PeerKey.Name() && !strings.HasPrefix(key, "pair("+PeerKey.Name()+","):
		return fmt.Errorf("%w: tree %s is signed, so its key has to be record.PeerKey or a pair that begins with it, not %s", models.ErrDefinition, tree.Name(), key)
	case p == ImmutablePolicy && key != HashKey.Name():
		return fmt.Errorf("%w: tree %s is immutable, so its key has to be record.HashKey, not %s", models.ErrDefinition, tree.Name(), key)
	}
	return nil
}
