// Package policy has the rules of trees whose rows travel between peers: how such a tree
// is keyed, which records are valid, which of two is the better one, and how a record is
// put together from its row. docs/format.md has the same rules, and all peers have to
// agree on them. So they use the records, and the time for their expiry, and nothing that
// one peer has stored and another has not.
//
// A new policy is a case in [CheckTree], in Check and in Held; Data and Next are about
// signed records alone.
package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
)

// The names of the key codecs that policies ask for.
const (
	// PeerKey names the codec of the key, or of its first part, in a signed tree.
	PeerKey = "peer"
	// HashKey names the codec of the key in an immutable tree.
	HashKey = "sha2-256"
)

// CheckTree reports what is wrong with a tree under its policy. Its error matches
// models.ErrDefinition.
func CheckTree(tree models.AnyTree) error {
	key := tree.Core().Key
	switch tree.Policy() {
	case models.Local:
		return fmt.Errorf("%w: tree %s is local, so it cannot travel: declare it with models.WithPolicy, "+
			"or in a definition that Options.Models does not have",
			models.ErrDefinition, tree.Name())
	case models.Signed:
		if key != PeerKey && !beginsWithPeer(key) {
			return fmt.Errorf("%w: tree %s is signed, so its key has to be record.PeerKey or to begin with it, not %s",
				models.ErrDefinition, tree.Name(), key)
		}
	case models.Immutable:
		if key != HashKey {
			return fmt.Errorf("%w: tree %s is immutable, so its key has to be record.HashKey, not %s",
				models.ErrDefinition, tree.Name(), key)
		}
	}
	return nil
}

// beginsWithPeer reports whether a codec is one of keys with several parts, of which the
// first is a peer.
func beginsWithPeer(codec string) bool {
	for _, parts := range []string{"pair(", "triple(", "quad("} {
		if strings.HasPrefix(codec, parts+PeerKey+",") {
			return true
		}
	}
	return false
}

// Rules are the rules of one tree. They never change, and may be used concurrently.
type Rules struct {
	policy models.Policy
	raw    *models.Raw
	// age is how old records get, negative for ever.
	age time.Duration
	// ownerFirst says that the key of a signed tree has several parts, of which the first
	// is the owner.
	ownerFirst bool
	// buries says that an open tree has tombstones.
	buries bool
}

// For returns the rules of a tree that CheckTree has found nothing wrong with. Age is how
// old its records get, negative for ever.
func For(tree models.AnyTree, age time.Duration) Rules {
	return Rules{
		policy: tree.Policy(), raw: tree.Raw(), age: age, ownerFirst: tree.Core().Key != PeerKey,
		buries: tree.Core().Tombstones != nil,
	}
}

// Policy returns the tree's policy.
func (r *Rules) Policy() models.Policy { return r.policy }

// RecordKey returns the DHT's key of the record of a row: "/", the tree's name, "/", and
// the key as text.
func (r *Rules) RecordKey(key []byte) (string, error) {
	text, err := r.raw.PathText(key)
	return "/" + r.raw.Name() + "/" + text, err
}

// peers reads the bytes of keys that are peers, which are those of strings.
var peers = models.StringOf[peer.ID]()

// Owner returns the peer that a key of a signed tree names.
func (r *Rules) Owner(key []byte) (owner peer.ID, err error) {
	if r.ownerFirst {
		owner, _, err = peers.Decode(key)
		return owner, err
	}
	return peers.DecodeLast(key)
}
