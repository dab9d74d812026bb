package policy

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// Candidate is a record of a tree that has passed the tree's rules. It shares the memory
// of what was checked.
type Candidate struct {
	// Key is the encoded primary key of its row.
	Key []byte
	// Data is the record's value, and Value that of the row. The two differ only if the
	// record is signed or a tombstone. Value is nil for a tombstone, which has no row.
	Data, Value []byte
	// Valid is the row as the tree has checked it. One that is stored already has none.
	Valid models.Valid
	// Signature is what a signed record has beside Value. In an open tree its Sequence is
	// the model's clock, Retracted says that it is a tombstone, and the rest is zero.
	wire.Signature
}

// Compare orders candidates for one key: the better one is the greater. Two compare equal
// where their bytes are.
func (c *Candidate) Compare(other *Candidate) int {
	retracted := 0
	if c.Retracted != other.Retracted {
		retracted = -1
		if c.Retracted {
			retracted = 1
		}
	}
	return cmp.Or(cmp.Compare(c.Sequence, other.Sequence), retracted,
		cmp.Compare(c.Expires, other.Expires), bytes.Compare(c.Data, other.Data))
}

// Check checks the value of a record that is said to belong under an encoded primary key.
// Its error matches models.ErrInvalid.
func (r *Rules) Check(key, data []byte) (c Candidate, err error) {
	if len(data) == 0 { // for kad-dht that is none
		return c, fmt.Errorf("%w: the record is empty", models.ErrInvalid)
	}
	c = Candidate{Key: key, Data: data, Value: data}
	switch r.policy {
	case models.Signed:
		err = r.checkSigned(&c, time.Now())
	case models.Immutable:
		if err = checkHash(key, data); err == nil {
			c.Valid, err = r.raw.Validate(key, data)
		}
	default:
		if r.buries && wire.IsTombstone(data) {
			c.Value, c.Retracted = nil, true
			c.Sequence, err = wire.ParseTombstone(data)
			break
		}
		c.Valid, err = r.raw.Validate(key, data)
		c.Sequence = c.Valid.Clock()
	}
	return c, err
}

// checkHash refuses a value whose hash is not the one in its key.
func checkHash(key, value []byte) error {
	if hash := sha256.Sum256(value); !bytes.Equal(hash[:], key) {
		return fmt.Errorf("%w: the value has the hash %x", models.ErrInvalid, hash)
	}
	return nil
}
