package wire

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

// Head is the beginning of the payload of a signed record.
type Head struct {
	// Sequence is the record's number. Expires is the time from which it is no longer valid, in
	// seconds since 1970, zero for never.
	Sequence, Expires uint64
	// Retracted says that the record is a tombstone, which withdraws every record with a lower
	// number.
	Retracted bool
}

// Expired reports whether the record is no longer valid.
func (h Head) Expired(now time.Time) bool { return h.Expires != 0 && uint64(now.Unix()) >= h.Expires }

// Append writes Sequence and Expires as varints, and a byte that is 1 for a tombstone and 0
// otherwise.
func (h Head) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, h.Sequence), h.Expires)
	if h.Retracted {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// ParseHead reads a head and returns the bytes behind it.
func ParseHead(src []byte) (h Head, rest []byte, err error) {
	var n int
	if h.Sequence, n = binary.Uvarint(src); n > 0 {
		src = src[n:]
		if h.Expires, n = binary.Uvarint(src); n > 0 {
			src = src[n:]
		}
	}
	if n <= 0 || len(src) == 0 || src[0] > 1 {
		return Head{}, nil, fmt.Errorf("%w: no sequence number, expiry and kind", models.ErrInvalid)
	}
	h.Retracted = src[0] == 1
	return h, src[1:], nil
}

// Signature is the part of a signed record beside its value and its key. The three make
// the record.
type Signature struct {
	Head
	// Envelope is libp2p's signed envelope (RFC 0002) without its payload, a
	// record.pb.Envelope.
	Envelope []byte
}

// Statement is the payload of the envelope, which the owner of a record signs. It is a head,
// the length of the record key as a varint, the record key, and the value. A tombstone has no
// value.
type Statement struct {
	Head
	RecordKey string
	Value     []byte
}

// These separate the signatures of records from all other signatures of a peer.
const (
	domain      = "netabase-record"
	payloadType = "/netabase/record"
)

var _ envelope.Record = (*Statement)(nil)

// Domain is libp2p's separator of signatures.
func (*Statement) Domain() string { return domain }

// Codec is the type of the payload.
func (*Statement) Codec() []byte { return []byte(payloadType) }

// MarshalRecord returns the payload.
func (s *Statement) MarshalRecord() ([]byte, error) {
	dst := binary.AppendUvarint(s.Head.Append(nil), uint64(len(s.RecordKey)))
	return append(append(dst, s.RecordKey...), s.Value...), nil
}

// UnmarshalRecord refuses every form that MarshalRecord does not write.
func (s *Statement) UnmarshalRecord(payload []byte) (err error) {
	var rest []byte
	if s.Head, rest, err = ParseHead(payload); err != nil {
		return err
	}
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(rest)-n) {
		return fmt.Errorf("%w: the record key is cut short", models.ErrInvalid)
	}
	s.RecordKey, s.Value = string(rest[n:n+int(size)]), bytes.Clone(rest[n+int(size):])
	again, err := s.MarshalRecord()
	if err == nil && (!bytes.Equal(again, payload) || s.Retracted && len(s.Value) > 0) {
		err = fmt.Errorf("%w: the payload is not canonical", models.ErrInvalid)
	}
	return err
}

// Sign returns the value of the record, which is libp2p's signed envelope.
func (s *Statement) Sign(key crypto.PrivKey) ([]byte, error) {
	e, err := envelope.Seal(s, key)
	if err != nil {
		return nil, err
	}
	return e.Marshal()
}

// Open checks an envelope for an owner: its signature, and that its bytes are those that we
// would write.
func Open(data []byte, owner peer.ID) (*Statement, error) {
	var s Statement
	e, err := envelope.ConsumeTypedEnvelope(data, &s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", models.ErrInvalid, err)
	}
	again, err := e.Marshal()
	if err != nil || !bytes.Equal(again, data) || string(e.PayloadType) != payloadType {
		return nil, fmt.Errorf("%w: the envelope is not canonical", models.ErrInvalid)
	}
	if signer, err := peer.IDFromPublicKey(e.PublicKey); err != nil || signer != owner {
		return nil, fmt.Errorf("%w: it is signed by %s, and owned by %s", models.ErrInvalid, signer, owner)
	}
	return &s, nil
}

// SignedValue returns the value in an envelope that was checked before; it is nil for a
// tombstone.
func SignedValue(data []byte) ([]byte, error) {
	var s Statement
	var e pb.Envelope
	if err := proto.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	if err := s.UnmarshalRecord(e.Payload); err != nil || s.Retracted {
		return nil, err
	}
	return s.Value, nil
}

// CutPayload returns an envelope without its payload.
func CutPayload(data []byte) ([]byte, error) {
	var e pb.Envelope
	if err := proto.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	e.Payload = nil
	return proto.Marshal(&e)
}

// WithPayload puts the payload back into an envelope that CutPayload has returned.
func WithPayload(cut []byte, s *Statement) ([]byte, error) {
	var e pb.Envelope
	if err := proto.Unmarshal(cut, &e); err != nil {
		return nil, fmt.Errorf("%w: envelope of %s: %w", models.ErrCorrupt, s.RecordKey, err)
	}
	var err error
	if e.Payload, err = s.MarshalRecord(); err != nil {
		return nil, err
	}
	return proto.Marshal(&e)
}
