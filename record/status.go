package record

import (
	"context"
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// State says how a row stands in the DHT.
type State uint8

const (
	// Local is a row that the program has put and not published: no other peer hears
	// of it.
	Local State = iota
	// Published is a row that this peer has published as it is.
	Published
	// Changed is a row that this peer has published and that the program has changed
	// since. [Node.Republish] publishes it at once.
	Changed
	// Expired is a row that this peer has published and that is older than
	// Options.MaxRecordAge. [Node.Republish] publishes it at once.
	Expired
	// Received is a row that came from the DHT. It goes with its record.
	Received
	// Kept is a row that came from the DHT in place of one that the program had put,
	// or as it was. It stays when its record goes.
	Kept
	// Retracted is a row that its owner has taken back: there is none, but the
	// tombstone is served.
	Retracted
)

func (s State) String() string {
	names := [...]string{"local", "published", "changed", "expired", "received", "kept", "retracted"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// Status is how a row stands in the DHT.
type Status struct {
	State State
	// Since is when the record came last or was published, of a Changed row when it was
	// changed, and the zero time of one that is Local.
	Since time.Time
	// Served says that this peer gives the record to those who ask for it.
	Served bool
}

// StatusOf returns how the row with the primary key stands in the DHT, or
// models.ErrNotFound where there is neither row nor tombstone. t has to be one of
// Options.Models, or StatusOf returns models.ErrUnknownTree.
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
		if s.value == nil && !s.retracted() {
			return models.ErrNotFound
		}
		status = s.status()
		return nil
	})
	return status, failAt("find", tree.raw, encoded, err)
}

var stateOf = map[receipts.Origin]State{
	receipts.Stranger: Received, receipts.Kept: Kept, receipts.Published: Published,
	receipts.Withdrawn: Expired, receipts.Changed: Changed,
}

func (s *rowState) status() Status {
	status := Status{Served: s.served()}
	switch {
	case s.retracted():
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
