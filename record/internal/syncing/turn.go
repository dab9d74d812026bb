package syncing

import "io"

// Request is a turn of the initiator.
type Request struct {
	// Open is set in the first turn.
	Open *Message
	// Offers are records that the responder lacks.
	Offers []Row
	// Want has the ids, and Ask the keys, of records that the initiator asks for.
	Want [][32]byte
	Ask  []string
	// Reconcile is the next message of Negentropy, or nil.
	Reconcile []byte
	// List is the key behind which records are asked for, empty for all, or nil. A turn that has it has
	// nothing else but Open.
	List *string
}

// Append appends the messages of the turn.
func (q *Request) Append(dst []byte) []byte {
	if q.Open != nil {
		dst = q.Open.Append(dst)
	}
	for i := range q.Offers {
		dst = (&Message{Kind: Offer, Row: q.Offers[i]}).Append(dst)
	}
	if len(q.Want) > 0 {
		ids := make([]byte, 0, 32*len(q.Want))
		for _, id := range q.Want {
			ids = append(ids, id[:]...)
		}
		dst = (&Message{Kind: Want, Bytes: ids}).Append(dst)
	}
	for _, key := range q.Ask {
		dst = (&Message{Kind: Ask, Bytes: []byte(key)}).Append(dst)
	}
	if len(q.Reconcile) > 0 {
		dst = (&Message{Kind: Reconcile, Bytes: q.Reconcile}).Append(dst)
	}
	if q.List != nil {
		dst = (&Message{Kind: List, Bytes: []byte(*q.List)}).Append(dst)
	}
	return (&Message{Kind: End}).Append(dst)
}

// ReadRequest reads a turn of the initiator. It returns io.EOF if there is none, because the
// initiator has ended the session.
func ReadRequest(r *Reader) (q Request, err error) {
	size := 0
	for first := true; ; first = false {
		m, err := r.Next()
		switch {
		case err != nil && !first:
			return q, unexpected(err)
		case err != nil:
			return q, err
		}
		if q.List != nil && m.Kind != End {
			return q, malformed("a turn has more than a list")
		}
		switch m.Kind {
		case End:
			return q, nil
		case List:
			if len(q.Offers)+len(q.Want)+len(q.Ask)+len(q.Reconcile) > 0 {
				return q, malformed("a turn has more than a list")
			}
			key := string(m.Bytes)
			q.List = &key
		case Open:
			if !first {
				return q, malformed("a turn is opened twice")
			}
			q.Open = &m
		case Offer:
			if len(q.Offers) == MaxOffer || size >= MaxOfferBytes {
				return q, malformed("a turn offers too much")
			}
			q.Offers = append(q.Offers, m.Row)
			size += m.Row.Size()
		case Want:
			if q.Want != nil {
				return q, malformed("a turn has two lists of ids")
			}
			for ids := m.Bytes; len(ids) > 0; ids = ids[32:] {
				q.Want = append(q.Want, [32]byte(ids))
			}
		case Ask:
			if len(q.Ask) == MaxAsk || size >= MaxOfferBytes {
				return q, malformed("a turn asks for too much")
			}
			q.Ask = append(q.Ask, string(m.Bytes))
			size += len(m.Bytes)
		case Reconcile:
			if q.Reconcile != nil {
				return q, malformed("a turn has two messages of Negentropy")
			}
			q.Reconcile = m.Bytes
		default:
			return q, malformed("an initiator's turn has a message of kind %d", m.Kind)
		}
	}
}

// OfferRoom is how much a turn of the initiator still takes.
type OfferRoom struct{ records, bytes int }

// Take reports whether there is room for a record or a key, and takes it.
func (o *OfferRoom) Take(r *Row) bool {
	if o.records == MaxOffer || o.bytes >= MaxOfferBytes {
		return false
	}
	o.records++
	o.bytes += r.Size()
	return true
}

// Writer writes messages of a turn of the responder.
type Writer struct {
	to io.Writer
	// Bytes is how many bytes have been written.
	Bytes   int64
	records int
	pending []byte
	err     error
}

// NewWriter returns a Writer.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// flushAt is how many bytes are written together.
const flushAt = 64 << 10

// Write writes a message, at the latest when the turn ends.
func (w *Writer) Write(m *Message) {
	w.pending = m.Append(w.pending)
	w.records += m.Row.Size()
	if len(w.pending) >= flushAt {
		w.flush()
	}
}

// WriteRequest writes a turn of the initiator.
func (w *Writer) WriteRequest(q *Request) error {
	w.pending = q.Append(w.pending)
	w.flush()
	return w.err
}

// Room is how many bytes of records the turn still has room for, about: the last record may exceed it.
func (w *Writer) Room() int { return MaxAnswerBytes - w.records }

// Full reports whether the turn has no room for another record.
func (w *Writer) Full() bool { return w.Room() <= 0 }

// End ends the turn.
func (w *Writer) End() error {
	w.Write(&Message{Kind: End})
	w.flush()
	w.records = 0
	return w.err
}

// Fail ends the session.
func (w *Writer) Fail(why Cause, text string) error {
	w.Write(&Message{Kind: Fail, Cause: why, Bytes: []byte(text)})
	w.flush()
	return w.err
}

func (w *Writer) flush() {
	if w.err == nil {
		_, w.err = w.to.Write(w.pending)
		w.Bytes += int64(len(w.pending))
	}
	w.pending = w.pending[:0]
}
