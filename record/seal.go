package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	envelope "github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/core/record/pb"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/models"
)

// Seal is what a signed record has beside the value of its row: from the two, and
// the record's key, follows what travels.
type Seal struct {
	// Tree is the full name of the row's tree, Key its encoded primary key.
	Tree string
	Key  []byte
	// Sequence is the record's number, Expires when it is valid no more, in
	// seconds since 1970, zero for never.
	Sequence, Expires uint64
	// Retracted says that the record is a tombstone: there is to be no row.
	Retracted bool
	// Envelope is libp2p's signed envelope (RFC 0002) without its payload, a
	// record.pb.Envelope.
	Envelope []byte
}

// Seals holds the seals of all rows of signed trees that have one.
var Seals = models.NewTree("seal", models.PairOf(models.String, models.Bytes),
	func(s *Seal) ReceiptKey { return models.MakePair(s.Tree, s.Key) },
	models.WithCodec(models.Codec[Seal](sealCodec{})),
	models.WithKey(func(s *Seal, key ReceiptKey) { s.Tree, s.Key = key.First, key.Second }))

// sealCodec writes Sequence and Expires as varints, a byte that is 1 for a
// tombstone and else 0, and the envelope. Tree and key are in the row's key alone.
type sealCodec struct{}

func (sealCodec) Name() string { return "libp2p-seal" }

func (sealCodec) Fields() []models.Field { return nil }

func (sealCodec) Append(dst []byte, s *Seal) ([]byte, error) {
	return append(appendHead(dst, s.Sequence, s.Expires, s.Retracted), s.Envelope...), nil
}

func (sealCodec) Decode(src []byte, s *Seal) (err error) {
	*s = Seal{}
	var rest []byte
	s.Sequence, s.Expires, s.Retracted, rest, err = parseHead(src)
	s.Envelope = bytes.Clone(rest)
	return err
}

// appendHead writes what a seal and the payload of an envelope begin with.
func appendHead(dst []byte, sequence, expires uint64, retracted bool) []byte {
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, sequence), expires)
	if retracted {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func parseHead(src []byte) (sequence, expires uint64, retracted bool, rest []byte, err error) {
	sequence, n := binary.Uvarint(src)
	if n > 0 {
		src = src[n:]
		if expires, n = binary.Uvarint(src); n > 0 {
			src = src[n:]
		}
	}
	if n <= 0 || len(src) == 0 || src[0] > 1 {
		return 0, 0, false, nil, fmt.Errorf("%w: no sequence number, expiry and kind", models.ErrInvalid)
	}
	return sequence, expires, src[0] == 1, src[1:], nil
}

// statement is what the owner of a record signs: the payload of the envelope. It
// is a head as of a seal, the length of the record key as a varint, the record
// key, and the value, of which a tombstone has none.
type statement struct {
	sequence, expires uint64
	retracted         bool
	recordKey         string
	value             []byte
}

// What keeps these signatures apart from all others that a peer makes.
const (
	sealDomain  = "netabase-record"
	sealPayload = "/netabase/record"
)

var _ envelope.Record = (*statement)(nil)

func (*statement) Domain() string { return sealDomain }

func (*statement) Codec() []byte { return []byte(sealPayload) }

func (s *statement) MarshalRecord() ([]byte, error) {
	dst := appendHead(nil, s.sequence, s.expires, s.retracted)
	dst = binary.AppendUvarint(dst, uint64(len(s.recordKey)))
	return append(append(dst, s.recordKey...), s.value...), nil
}

// UnmarshalRecord refuses every spelling that MarshalRecord does not write.
func (s *statement) UnmarshalRecord(payload []byte) (err error) {
	var rest []byte
	if s.sequence, s.expires, s.retracted, rest, err = parseHead(payload); err != nil {
		return err
	}
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(rest)-n) {
		return fmt.Errorf("%w: the record key is cut short", models.ErrInvalid)
	}
	s.recordKey, s.value = string(rest[n:n+int(size)]), bytes.Clone(rest[n+int(size):])
	again, err := s.MarshalRecord()
	if err == nil && (!bytes.Equal(again, payload) || s.retracted && len(s.value) > 0) {
		err = fmt.Errorf("%w: the payload is not canonical", models.ErrInvalid)
	}
	return err
}

// sign returns what travels of a statement, in libp2p's signed envelope.
func (s *statement) sign(key crypto.PrivKey) ([]byte, error) {
	e, err := envelope.Seal(s, key)
	if err != nil {
		return nil, err
	}
	return e.Marshal()
}

// openEnvelope checks an envelope that is said to be of the owner: its signature,
// and that it is spelled just as we spell it.
func openEnvelope(data []byte, owner peer.ID) (*statement, error) {
	var s statement
	e, err := envelope.ConsumeTypedEnvelope(data, &s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", models.ErrInvalid, err)
	}
	again, err := e.Marshal()
	if err != nil || !bytes.Equal(again, data) || string(e.PayloadType) != sealPayload {
		return nil, fmt.Errorf("%w: the envelope is not canonical", models.ErrInvalid)
	}
	if signer, err := peer.IDFromPublicKey(e.PublicKey); err != nil || signer != owner {
		return nil, fmt.Errorf("%w: it is signed by %s, and owned by %s", models.ErrInvalid, signer, owner)
	}
	return &s, nil
}

// signedValue returns the value of an envelope that has been checked before.
func signedValue(data []byte) ([]byte, error) {
	var s statement
	var e pb.Envelope
	if err := proto.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	if err := s.UnmarshalRecord(e.Payload); err != nil || s.retracted {
		return nil, err
	}
	return s.value, nil
}

// seal takes an envelope apart, for the row of a key.
func seal(tree string, key, data []byte, s *statement) (*Seal, error) {
	var e pb.Envelope
	if err := proto.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	e.Payload = nil
	rest, err := proto.Marshal(&e)
	return &Seal{
		Tree: tree, Key: key, Sequence: s.sequence, Expires: s.expires, Retracted: s.retracted, Envelope: rest,
	}, err
}

// envelope puts what seal has taken apart together again.
func (s *Seal) envelope(recordKey string, value []byte) ([]byte, error) {
	var e pb.Envelope
	if err := proto.Unmarshal(s.Envelope, &e); err != nil {
		return nil, fmt.Errorf("%w: seal of %s: %w", models.ErrCorrupt, recordKey, err)
	}
	var err error
	e.Payload, err = (&statement{s.Sequence, s.Expires, s.Retracted, recordKey, value}).MarshalRecord()
	if err != nil {
		return nil, err
	}
	return proto.Marshal(&e)
}

// expired reports whether the signed record is valid no more.
func (s *Seal) expired(now time.Time) bool { return s.Expires != 0 && uint64(now.Unix()) >= s.Expires }

// expiresAt returns when a signed record that is made now expires, as in Seal.
func (a ages) expiresAt(now time.Time) uint64 {
	if a.record < 0 {
		return 0
	}
	return uint64(now.Add(a.record).Unix())
}
