package record

import (
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p-kad-dht/records"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
)

// Errors of putting and publishing records, beside those of package models.
var (
	// ErrOldRecord is returned for a record that is not better than the stored one. It
	// is kad-dht's error of that name.
	ErrOldRecord = records.ErrOldRecord
	// ErrFull is returned for a provider record that a bound of Options refuses;
	// errors.As with *BoundError tells which.
	ErrFull = errors.New("bound reached")
	// ErrTTL is returned when a TTL is set under the key of a record or a provider
	// record: these expire by their age.
	ErrTTL = errors.New("records expire by their age and take no TTL")
	// ErrNoPeers is returned when the DHT knows no peer to publish to.
	ErrNoPeers = errors.New("no peers are known")
	// ErrNotTaken is returned when none of the peers closest to a record's key took
	// it. The error also has the reason of one of them.
	ErrNotTaken = errors.New("no peer took the record")
	// ErrRefused is the error of a peer that was reached and did not take the record:
	// see [PeerFailure].
	ErrRefused = errors.New("the peer refuses the record")
	// ErrNotOwner is returned when a program publishes or retracts a signed record
	// whose primary key names another peer.
	ErrNotOwner = errors.New("the record is another peer's")
	// ErrInUse is returned by New for a store that has Records which are not closed,
	// by [Join] for Records that another DHT uses, and by [Node.Republish] when it is
	// already running.
	ErrInUse = errors.New("already in use")
	// ErrNoRecord is returned for a write to a key that no record can have, inside the
	// namespace of a model or of one of Records' own trees.
	ErrNoRecord = errors.New("key is not a record's")
)

// BoundError says which bound refuses a record. It matches ErrFull.
type BoundError struct {
	// Bound names the bound in words.
	Bound string
	Limit int64
}

func (e *BoundError) Error() string {
	return fmt.Sprintf("%v: there are %d %s, which is the limit", ErrFull, e.Limit, e.Bound)
}

// Is reports whether target is ErrFull.
func (e *BoundError) Is(target error) bool { return target == ErrFull }

// failAt adds the tree and the key to err, if it does not name them yet.
func failAt(op string, raw *models.Raw, key []byte, err error) error {
	var named *models.Error
	if err == nil || errors.As(err, &named) {
		return err
	}
	return &models.Error{Op: op, Tree: raw.Name(), Key: shorten(raw.FormatKey(key)), Err: err}
}

// failAtKey names the datastore key that err concerns.
func failAtKey(path string, err error) error {
	return &datastore.KeyError{Key: shorten(path), Err: err}
}

// checkProviderKeySize refuses a provider record whose key and peer id have more than
// MaxKeyBytes bytes together.
func checkProviderKeySize(path string, size int) error {
	if size <= MaxKeyBytes {
		return nil
	}
	return failAtKey(path, fmt.Errorf("%w: %d bytes, the limit is %d", models.ErrKeySize, size, MaxKeyBytes))
}

// checkKeySize refuses an encoded key of more than MaxKeyBytes bytes.
func checkKeySize(raw *models.Raw, text string, size int) error {
	if size <= MaxKeyBytes {
		return nil
	}
	return &models.Error{
		Op: "check", Tree: raw.Name(), Key: shorten(text),
		Err: fmt.Errorf("%w: %d bytes, the limit is %d", models.ErrKeySize, size, MaxKeyBytes),
	}
}

func tooLarge(size, limit int) error {
	return &engine.TooLargeError{What: "value", Size: int64(size), Limit: int64(limit), Unit: "bytes"}
}

// shorten bounds how much of another peer's text an error repeats.
func shorten(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}

// errOutlived refuses a record of a key that the store has nothing of, because rows as old as it may have
// been deleted: see models.WithTombstones.
var errOutlived = fmt.Errorf("%w: its clock is not above those of rows that were deleted", ErrOldRecord)
