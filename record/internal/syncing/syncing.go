// Package syncing has the messages of the protocol in which two peers bring a topic together.
// docs/sync.md specifies them. They are checked when they are read, so that no message makes a peer
// take more memory than the message has bytes, and a turn not more than its limits allow.
package syncing

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Limits of a turn.
const (
	// MaxReconcile is how many bytes a message of Negentropy has at most.
	MaxReconcile = 128 << 10
	// MaxWant is how many ids a turn wants at most.
	MaxWant = 4096
	// MaxAsk is how many keys a turn asks for at most.
	MaxAsk = 4096
	// MaxList is how many rows the responder looks at for a list.
	MaxList = 4096
	// MaxOffer is how many records a turn offers at most.
	MaxOffer = 1024
	// MaxOfferBytes and MaxAnswerBytes are how many bytes of records a turn of the initiator and of
	// the responder have: no further record follows when there are as many.
	MaxOfferBytes  = 1 << 20
	MaxAnswerBytes = 1 << 20
	// MaxKey is the longest text of a key. Each of the MaxKeyBytes of a record's key can take three
	// letters.
	MaxKey = 3*4096 + 64
	// MaxTopic is the longest full name of a topic.
	MaxTopic = 3*64 + 2
	// maxReason is the longest text of a message that ends a session.
	maxReason = 1024
	// recordHead is the longest part of a record without its key, its further fields and its value.
	recordHead = 3 * binary.MaxVarintLen64
)

// ErrMessage is a message that breaks the protocol.
var ErrMessage = errors.New("malformed sync message")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMessage, fmt.Sprintf(format, args...))
}

// Kind is the kind of a message.
type Kind uint8

const (
	// Open is the first message: the initiator says what is to be synced.
	Open Kind = 1
	// Reconcile has a message of Negentropy.
	Reconcile Kind = 2
	// Want asks for the records with some ids.
	Want Kind = 3
	// Offer has a record that the other peer lacks.
	Offer Kind = 4
	// Ask asks for the record with a key, whatever its id.
	Ask Kind = 5
	// End ends a turn.
	End Kind = 6
	// Record answers a wanted id or a key with a record.
	Record Kind = 7
	// None says that there is no such record.
	None Kind = 8
	// Later says that the turn has no room for a record, which may be asked for again.
	Later Kind = 9
	// Verdict says whether an offered record has been taken.
	Verdict Kind = 10
	// Better refuses an offered record with one that is better.
	Better Kind = 11
	// Fail ends a session, and says why.
	Fail Kind = 12
	// List asks for the records behind a key.
	List Kind = 13
	// Listed says up to which key the responder has looked for a list.
	Listed Kind = 14
)

// Direction says which way records go. The two add up.
type Direction uint8

const (
	// Pull is from the responder to the initiator.
	Pull Direction = 1
	// Push is from the initiator to the responder.
	Push Direction = 2
)

// Reason says why a record is refused, or zero that it is taken.
type Reason uint8

const (
	Taken Reason = iota
	Old
	Full
	Unique
	TooLarge
	KeySize
	Invalid
	Expired
	Other
)

// Cause says why a session ends.
type Cause uint8

const (
	// NoTopic is a topic that the responder does not have.
	NoTopic Cause = 1
	// Busy is a responder that has too many sessions.
	Busy Cause = 2
	// Spent is a session that has used up its time or its bytes. Another one can follow at once.
	Spent Cause = 3
	// Misbehaved is an initiator that has broken the protocol.
	Misbehaved Cause = 4
	// Failed is a responder that cannot read or write its store.
	Failed Cause = 5
)

// Row is a record as it travels.
type Row struct {
	// Key is the text of its key, as in the record's key in the DHT.
	Key string
	// Age is how long ago the peer got the record, in whole seconds. It is zero for a row that
	// is the peer's own.
	Age time.Duration
	// More has the fields of the record besides key, value and time of receipt.
	More []byte
	// Value is that of the record.
	Value []byte
}

// Size is how many bytes count for a turn.
func (r *Row) Size() int { return len(r.Key) + len(r.More) + len(r.Value) }

// Append appends the record as it travels, which is the data of a message of gossip.
func (r *Row) Append(dst []byte) []byte {
	return append(append(r.appendHead(dst), r.More...), r.Value...)
}

// appendHead appends what comes before the further fields and the value.
func (r *Row) appendHead(dst []byte) []byte {
	dst = append(binary.AppendUvarint(dst, uint64(len(r.Key))), r.Key...)
	dst = binary.AppendUvarint(dst, uint64(r.Age/time.Second))
	return binary.AppendUvarint(dst, uint64(len(r.More)))
}

// Message is a message. Which fields are set depends on Kind.
type Message struct {
	Kind Kind
	// Topic and Direction are Open's.
	Topic     string
	Direction Direction
	// Bytes is the message of Reconcile, the ids of Want, one after the other, the key of Ask, List and
	// Listed, and the text of Fail.
	Bytes []byte
	// Count is Listed's.
	Count uint64
	// Row is that of Offer, Record and Better.
	Row Row
	// Reason is Verdict's, and Cause Fail's.
	Reason Reason
	Cause  Cause
}

// Append appends the message with its length.
func (m *Message) Append(dst []byte) []byte {
	body := []byte{byte(m.Kind)}
	switch m.Kind {
	case Open:
		body = append(append(body, byte(m.Direction)), m.Topic...)
	case Reconcile, Want, Ask, List:
		dst = binary.AppendUvarint(dst, uint64(1+len(m.Bytes)))
		return append(append(dst, body...), m.Bytes...)
	case Offer, Record, Better:
		body = m.Row.appendHead(body)
		dst = binary.AppendUvarint(dst, uint64(len(body)+len(m.Row.More)+len(m.Row.Value)))
		return append(append(append(dst, body...), m.Row.More...), m.Row.Value...)
	case Listed:
		body = append(binary.AppendUvarint(body, m.Count), m.Bytes...)
	case Verdict:
		body = append(body, byte(m.Reason))
	case Fail:
		body = append(append(body, byte(m.Cause)), m.Bytes[:min(len(m.Bytes), maxReason)]...)
	}
	return append(binary.AppendUvarint(dst, uint64(len(body))), body...)
}

// limit is how long a message may be, with its kind. Value bounds the value of a record.
func (k Kind) limit(value int) int {
	switch k {
	case Open:
		return 2 + MaxTopic
	case Reconcile:
		return 1 + MaxReconcile
	case Want:
		return 1 + MaxWant*32
	case Ask, List:
		return 1 + MaxKey
	case Listed:
		return 1 + binary.MaxVarintLen64 + MaxKey
	case Offer, Record, Better:
		return 1 + recordHead + MaxKey + value
	case Verdict:
		return 2
	case Fail:
		return 2 + maxReason
	default:
		return 1
	}
}

// Reader reads messages. It is not for concurrent use.
type Reader struct {
	from  *bufio.Reader
	value int
	// Bytes is how many bytes have been read.
	Bytes int64
}

// NewReader returns a Reader of messages whose records have values, with their further fields, of at
// most value bytes.
func NewReader(from io.Reader, value int) *Reader {
	return &Reader{from: bufio.NewReaderSize(from, 32<<10), value: value}
}

// Next reads a message. The message has memory of its own. Its error matches ErrMessage if the
// message is malformed, and is io.EOF at the end.
func (r *Reader) Next() (m Message, err error) {
	size, err := r.length()
	switch {
	case err != nil:
		return m, err
	case size == 0:
		return m, malformed("it is empty")
	}
	kind, err := r.from.ReadByte()
	if err != nil {
		return m, unexpected(err)
	}
	if limit := Kind(kind).limit(r.value); size > uint64(limit) {
		return m, malformed("a message of kind %d has %d bytes, and at most %d are allowed", kind, size, limit)
	}
	body, err := r.body(int64(size - 1))
	if err != nil {
		return m, unexpected(err)
	}
	r.Bytes += int64(size) + int64(len(binary.AppendUvarint(nil, size)))
	return parse(Kind(kind), body)
}

// lengthDigits is how many bytes a length has at most. No message is that long.
const lengthDigits = 4

// length reads a length. It returns io.EOF if there is none.
func (r *Reader) length() (n uint64, err error) {
	for i := range lengthDigits {
		digit, err := r.from.ReadByte()
		if err != nil {
			if i > 0 {
				err = unexpected(err)
			}
			return 0, err
		}
		n |= uint64(digit&0x7f) << (7 * i)
		if digit < 0x80 {
			return n, nil
		}
	}
	return 0, malformed("its length has more than %d bytes", lengthDigits)
}

// readAtOnce is how much memory is taken for a message before its bytes are there.
const readAtOnce = 4096

// body reads what follows a message's kind.
func (r *Reader) body(size int64) ([]byte, error) {
	if size <= readAtOnce {
		body := make([]byte, size)
		_, err := io.ReadFull(r.from, body)
		return body, err
	}
	var body bytes.Buffer
	_, err := io.CopyN(&body, r.from, size)
	return body.Bytes(), err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parse reads what follows a message's kind, and keeps it.
func parse(kind Kind, body []byte) (m Message, err error) {
	m.Kind = kind
	switch kind {
	case Open:
		if len(body) < 2 || body[0] == 0 || Direction(body[0]) > Pull|Push {
			return m, malformed("no direction and topic")
		}
		m.Direction, m.Topic = Direction(body[0]), string(body[1:])
	case Want:
		if len(body) == 0 || len(body)%32 != 0 {
			return m, malformed("%d bytes are no ids", len(body))
		}
		m.Bytes = body
	case Reconcile, Ask:
		if len(body) == 0 {
			return m, malformed("a message of kind %d has nothing", kind)
		}
		m.Bytes = body
	case List:
		m.Bytes = body
	case Listed:
		count, n := binary.Uvarint(body)
		if n <= 0 {
			return m, malformed("it has no count")
		}
		m.Count, m.Bytes = count, body[n:]
	case Offer, Record, Better:
		m.Row, err = ParseRow(body)
	case Verdict:
		if len(body) != 1 {
			return m, malformed("a verdict of %d bytes", len(body))
		}
		m.Reason = min(Reason(body[0]), Other)
	case Fail:
		if len(body) == 0 {
			return m, malformed("no cause")
		}
		m.Cause, m.Bytes = Cause(body[0]), body[1:]
	case End, None, Later:
	default:
		return m, malformed("the unknown kind %d", kind)
	}
	return m, err
}

// cut reads a length and as many bytes.
func cut(src []byte) (field, rest []byte, err error) {
	size, n := binary.Uvarint(src)
	if n <= 0 || size > uint64(len(src)-n) {
		return nil, nil, malformed("a record is cut short")
	}
	return src[n : n+int(size)], src[n+int(size):], nil
}

// maxAge is the oldest that a record can be said to be, so that all ages are durations.
const maxAge = uint64(math.MaxInt64 / int64(time.Second))

// ParseRow reads a record, whose fields share the memory of src. It takes no other memory than that of
// the key. Its error matches ErrMessage.
func ParseRow(src []byte) (r Row, err error) {
	key, src, err := cut(src)
	if err != nil {
		return r, err
	}
	if len(key) > MaxKey {
		return r, malformed("a key of %d bytes", len(key))
	}
	age, n := binary.Uvarint(src)
	if n <= 0 {
		return r, malformed("a record has no age")
	}
	r.Key, r.Age = string(key), time.Duration(min(age, maxAge))*time.Second
	if r.More, r.Value, err = cut(src[n:]); err != nil {
		return r, err
	}
	return r, nil
}
