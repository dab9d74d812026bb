package policy_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// note is a row of every tree of these tests. Each tree has another key.
type note struct {
	Hash   record.Hash `cbor:"-"`
	Author peer.ID
	Number uint64
	Text   string
	Clock  uint64
}

type noteKey = models.Pair[peer.ID, uint64]

func author(n *note) peer.ID { return n.Author }

func number(n *note) uint64 { return n.Number }

func hash(n *note) record.Hash { return n.Hash }

func authorAndNumber(n *note) noteKey { return models.MakePair(n.Author, n.Number) }

// The trees have no definition, so that their full names are short.
var (
	open = models.NewTree("open", models.Uint64, number, models.WithPolicy[note](models.Open),
		models.WithClock(func(n *note) uint64 { return n.Clock }))
	signed = models.NewTree("signed", models.PairOf(record.PeerKey, models.Uint64), authorAndNumber,
		models.WithPolicy[note](models.Signed))
	single    = models.NewTree("single", record.PeerKey, author, models.WithPolicy[note](models.Signed))
	immutable = models.NewTree("immutable", record.HashKey, hash, models.WithPolicy[note](models.Immutable),
		models.WithKey(func(n *note, h record.Hash) { n.Hash = h }))
)

// age is how old records get in these tests.
const age = 48 * time.Hour

// writer signs records.
type writer struct {
	id  peer.ID
	key crypto.PrivKey
}

func newWriter(t *testing.T) writer {
	t.Helper()
	key, public, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return writer{id, key}
}

func (w writer) sign(t *testing.T, s wire.Statement) []byte {
	t.Helper()
	data, err := s.Sign(w.key)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func encode[K any](t *testing.T, tree *models.Tree[note, K], n note) (key, value []byte) {
	t.Helper()
	key, value, err := tree.Encode(&n)
	if err != nil {
		t.Fatal(err)
	}
	return key, value
}

func recordKey(t *testing.T, r *policy.Rules, key []byte) string {
	t.Helper()
	text, err := r.RecordKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A tree of each policy has the keys that the policy asks for, or is refused by name.
func TestCheckTree(t *testing.T) {
	bySigned := models.WithPolicy[note](models.Signed)
	byHash := models.WithPolicy[note](models.Immutable)
	three := models.TripleOf(record.PeerKey, models.Uint64, models.Uint64)
	four := models.QuadOf(record.PeerKey, models.Uint64, models.Uint64, models.Uint64)
	for _, tree := range []models.AnyTree{
		open, signed, single, immutable,
		models.NewTree("three", three, func(n *note) (k models.Triple[peer.ID, uint64, uint64]) { return k }, bySigned),
		models.NewTree("four", four, func(n *note) (k models.Quad[peer.ID, uint64, uint64, uint64]) { return k }, bySigned),
	} {
		if err := policy.CheckTree(tree); err != nil {
			t.Errorf("%s: %v", tree.Name(), err)
		}
	}
	peerLast := models.PairOf(models.Uint64, record.PeerKey)
	peerFirst := models.PairOf(record.PeerKey, models.Uint64)
	turned := func(n *note) models.Pair[uint64, peer.ID] { return models.MakePair(n.Number, n.Author) }
	for says, tree := range map[string]models.AnyTree{
		"models.WithPolicy":                     models.NewTree("local", models.Uint64, number),
		"record.PeerKey or to begin with it":    models.NewTree("number", models.Uint64, number, bySigned),
		"not pair(uint64,peer)":                 models.NewTree("turned", peerLast, turned, bySigned),
		"record.PeerKey":                        models.NewTree("text", models.StringOf[peer.ID](), author, bySigned),
		"immutable, so its key has to be":       models.NewTree("author", record.PeerKey, author, byHash),
		"record.HashKey, not pair(peer,uint64)": models.NewTree("pair", peerFirst, authorAndNumber, byHash),
	} {
		err := policy.CheckTree(tree)
		if !errors.Is(err, models.ErrDefinition) || !strings.Contains(fmt.Sprint(err), says) ||
			!strings.Contains(fmt.Sprint(err), "tree "+tree.Name()+" ") {
			t.Errorf("tree %s: %v; want ErrDefinition that says %q", tree.Name(), err, says)
		}
	}
}

// The number comes first, then that a record is a tombstone, then the expiry, then the
// bytes.
func TestCompare(t *testing.T) {
	candidate := func(sequence uint64, retracted bool, expires uint64, data string) *policy.Candidate {
		head := wire.Head{Sequence: sequence, Expires: expires, Retracted: retracted}
		return &policy.Candidate{Data: []byte(data), Signature: wire.Signature{Head: head}}
	}
	ordered := []*policy.Candidate{
		candidate(1, false, 0, "z"),
		candidate(1, false, 5, "b"),
		candidate(1, false, 5, "c"),
		candidate(1, false, 6, "a"),
		candidate(1, true, 0, "a"),
		candidate(1, true, 4, "a"),
		candidate(2, false, 0, ""),
		candidate(2, false, 0, "a"),
		candidate(1<<63, false, 0, "a"),
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := a.Compare(b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("candidates %d and %d compare as %d", i, j, got)
			}
		}
	}
}

// A record of an open tree is any row, with the model's clock as its number.
func TestCheckOpen(t *testing.T) {
	rules := policy.For(open, age)
	ada := newWriter(t)
	key, value := encode(t, open, note{Author: ada.id, Number: 7, Text: "a", Clock: 3})
	c, err := rules.Check(key, value)
	if err != nil || c.Sequence != 3 || c.Retracted ||
		string(c.Value) != string(value) || string(c.Data) != string(value) {
		t.Errorf("checked is %+v, error %v", c, err)
	}
	other, _ := encode(t, open, note{Author: ada.id, Number: 8})
	for name, at := range map[string]struct{ key, value []byte }{
		"another key": {other, value}, "no row": {key, []byte("row")}, "empty": {key, nil},
	} {
		if _, err := rules.Check(at.key, at.value); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The key of an immutable record is the hash of its value, which is a row.
func TestCheckImmutable(t *testing.T) {
	rules := policy.For(immutable, age)
	ada := newWriter(t)
	_, value := encode(t, immutable, note{Author: ada.id, Text: "a"})
	key := sha256.Sum256(value)
	if c, err := rules.Check(key[:], value); err != nil || string(c.Value) != string(value) {
		t.Errorf("checked is %+v, error %v", c, err)
	}
	_, other := encode(t, immutable, note{Author: ada.id, Text: "b"})
	noRow := []byte("row")
	hashOfNoRow, hashOfNone := sha256.Sum256(noRow), sha256.Sum256(nil)
	for name, at := range map[string]struct{ key, value []byte }{
		"another value": {key[:], other}, "no row": {hashOfNoRow[:], noRow}, "empty": {hashOfNone[:], nil},
	} {
		if _, err := rules.Check(at.key, at.value); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
