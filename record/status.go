package record

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// State is the state of a row in the DHT.
type State uint8

const (
	// Local is a row that the program has put and not published. No other peer sees it.
	Local State = iota
	// Published is a row that this peer has published as it is.
	Published
	// Changed is a row that this peer has published and that the program has changed
	// since. [Node.Republish] publishes it at once.
	Changed
	// Expired is a row that this peer has published and that is older than
	// Options.MaxRecordAge. [Node.Republish] publishes it at once.
	Expired
	// Received is a row that came from the DHT. It is removed with its record.
	Received
	// Kept is a row that came from the DHT where the program had already put one, the
	// same or another. It stays when its record is removed.
	Kept
	// Retracted is a row that its owner has taken back, or that was deleted where deletions
	// travel. The row is deleted, and the tombstone is served if it was published or received.
	Retracted
)

func (s State) String() string {
	names := [...]string{"local", "published", "changed", "expired", "received", "kept", "retracted"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// Status describes a row in the DHT.
type Status struct {
	State State
	// Since is the time at which the record came last or was published. For a Changed
	// row it is the time of the change, and for a Local one the zero time.
	Since time.Time
	// Served says that this peer gives the record to peers that ask for it.
	Served bool
	// Signature is that of the last signed record of the row, or nil if there is none. It is not
	// the row's if the row is Changed.
	Signature *RecordSignature
}

// RecordSignature says what the owner of a signed record has signed beside its value.
type RecordSignature struct {
	// Owner is the peer that has signed.
	Owner peer.ID
	// Sequence is higher in later records of the row.
	Sequence uint64
	// Expires is when the record is refused and no longer served, whatever its age. It is zero for one
	// that does not expire.
	Expires time.Time
}

// StatusOf returns the status of the row with the primary key, or models.ErrNotFound if
// there is neither a row nor a tombstone. t has to be in Options.Models, or StatusOf
// returns models.ErrUnknownTree.
func StatusOf[M, K any](ctx context.Context, r *Records, t *models.Tree[M, K], key K) (status Status, err error) {
	tree, err := r.registered(t)
	if err != nil {
		return status, err
	}
	encoded := t.EncodeKey(key)
	err = r.snapshot(ctx, r.store, func(tx models.Reader) error {
		s, err := tree.rowState(ctx, tx, encoded)
		if err != nil {
			return err
		}
		if s.Value == nil && !s.Tombstone() {
			return models.ErrNotFound
		}
		status = s.status()
		if s.Signature != nil && tree.rules.Policy() == models.Signed {
			status.Signature, err = tree.signature(encoded, &s)
		}
		return err
	})
	return status, failAt("find", tree.raw, encoded, err)
}

// signature returns what the owner of the row under key has signed.
func (t *modelTree) signature(key []byte, s *rowState) (*RecordSignature, error) {
	owner, err := t.rules.Owner(key)
	if err != nil {
		return nil, err
	}
	signed := &RecordSignature{Owner: owner, Sequence: s.Signature.Sequence}
	if s.Signature.Expires != 0 {
		signed.Expires = time.Unix(int64(s.Signature.Expires), 0).UTC()
	}
	return signed, nil
}

var stateOf = map[receipts.Origin]State{
	receipts.Stranger: Received, receipts.Kept: Kept, receipts.Published: Published,
	receipts.Withdrawn: Expired, receipts.Changed: Changed,
}

func (s *rowState) status() Status {
	status := Status{Served: s.served()}
	switch {
	case s.Tombstone() && s.receipt.Origin == 0 && !s.taken.IsZero():
		status.State, status.Since = Retracted, s.taken
		return status
	case s.Tombstone():
		status.State = Retracted
	case s.stale && s.filed.Origin.IsOwn():
		status.State = Changed
	case s.receipt.Origin != 0:
		status.State = stateOf[s.receipt.Origin]
	default:
		return status
	}
	status.Since = s.filed.Received
	return status
}
