package receipts

import (
	"bytes"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Signature is the part of a signed record besides the value of its row. Together with the
// value and the record's key it makes the whole record.
type Signature struct {
	// Tree is the full name of the row's tree, Key its encoded primary key.
	Tree string
	Key  []byte
	// Signature is the rest of the record. That of a tombstone must have no row.
	wire.Signature
}

// Signatures holds those of all signed records, rows and tombstones.
var Signatures = models.NewTree("signature", models.PairOf(models.String, models.Bytes),
	func(s *Signature) Key { return models.MakePair(s.Tree, s.Key) },
	models.WithCodec(versioned.Of[Signature](signatureCodec{})),
	models.WithKey(func(s *Signature, key Key) { s.Tree, s.Key = key.First, key.Second }))

// signatureCodec writes the head and the envelope. Tree and key are in the row's key
// alone.
type signatureCodec struct{}

func (signatureCodec) Name() string { return "libp2p-signature" }

func (signatureCodec) Fields() []models.Field { return nil }

func (signatureCodec) Append(dst []byte, s *Signature) ([]byte, error) {
	return append(s.Head.Append(dst), s.Envelope...), nil
}

func (signatureCodec) Decode(src []byte, s *Signature) (err error) {
	*s = Signature{}
	var rest []byte
	s.Head, rest, err = wire.ParseHead(src)
	s.Envelope = bytes.Clone(rest)
	return err
}
