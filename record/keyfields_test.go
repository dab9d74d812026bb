package record_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// TestKeyFields declares keys with the codecs of this package by the fields that they are. Random bytes
// are no peer id, so the check of the declaration has to find some that are.
func TestKeyFields(t *testing.T) {
	type note struct {
		Owner  peer.ID `cbor:"by"`
		Number uint64
		To     peer.ID
		Seen   []peer.ID
		Parent record.Hash
	}
	declare := func(to func(*note) peer.ID) error {
		notes := models.NewTree("note", models.PairOf(record.PeerKey, models.Uint64),
			func(n *note) models.Pair[peer.ID, uint64] { return models.MakePair(n.Owner, n.Number) },
			models.WithPolicy[note](models.Signed), models.KeyFields[note]("by", "Number"))
		models.NewIndex(notes, "to", record.PeerKey, to,
			models.Where(func(n *note) bool { return n.To != "" }),
			models.Fields[note]("To"), models.OptionalFields[note]("To"))
		models.NewIndex(notes, "parent_to", models.PairOf(record.HashKey, record.PeerKey),
			func(n *note) models.Pair[record.Hash, peer.ID] { return models.MakePair(n.Parent, n.To) },
			models.Fields[note]("Parent", "To"))
		models.NewMulti(notes, "seen", record.PeerKey, func(n *note) []peer.ID { return n.Seen }, models.Fields[note]("Seen"))
		return models.NewDefinition("x", notes).Err()
	}
	if err := declare(func(n *note) peer.ID { return n.To }); err != nil {
		t.Error(err)
	}
	err := declare(func(n *note) peer.ID { return n.Owner })
	if want := `index "to" of tree "x.note" by fields To`; !errors.Is(err, models.ErrDefinition) ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
