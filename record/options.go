package record

import (
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p-kad-dht/amino"

	"github.com/newsnet-africa/netabase-go/models"
)

// DefaultMaxValueBytes is the most bytes of a value that Records takes unless
// told otherwise. kad-dht sends messages of up to 4 MiB, which hold a record
// and the addresses of up to 20 peers.
const DefaultMaxValueBytes = 64 << 10

// MaxKeyBytes is the most bytes that the key of a record or a provider may have
// as the store encodes it; more is refused with models.ErrKeySize. kad-dht's
// own keys have less than 100.
const MaxKeyBytes = 4096

// DefaultSyncInterval is how long a power loss can take back what strangers
// have put, unless told otherwise.
const DefaultSyncInterval = time.Second

// Options is what Records can be told. The zero value is of use.
type Options struct {
	// Models are the definitions whose trees travel in the DHT. The store has
	// to be opened with them. Defaults to none: then Records keeps values and
	// providers only.
	Models []*models.Definition

	// MaxValueBytes bounds the value of a record of a model, and what is put
	// under the keys of other records and providers; more is refused with
	// models.ErrTooLarge. Peers that hold the same records should agree on it.
	// Defaults to DefaultMaxValueBytes.
	MaxValueBytes int

	// MaxRecordAge is how long a record is served and kept after it came. A
	// negative one means for ever. Defaults to kad-dht's, 48 hours.
	MaxRecordAge time.Duration

	// ProviderValidity is how long a provider record is served and kept after
	// it came. A negative one means for ever. Defaults to kad-dht's, 48 hours.
	ProviderValidity time.Duration

	// SyncInterval is the longest time after which what strangers put is made
	// durable. A negative one leaves that to Sync and Close. Defaults to
	// DefaultSyncInterval.
	SyncInterval time.Duration
}

// normalize fills in defaults and returns every fault in one error, which
// matches models.ErrDefinition where a definition is at fault.
func (o Options) normalize() (Options, error) {
	var faults []error
	seen := map[string]bool{Definition.Name(): true}
	for i, d := range o.Models {
		switch {
		case d == nil:
			faults = append(faults, fmt.Errorf("%w: Models has nil at %d", models.ErrDefinition, i))
			continue
		case d.Err() != nil:
			faults = append(faults, d.Err())
		case seen[d.Name()]:
			faults = append(faults, fmt.Errorf("%w: Models cannot have a definition %q again", models.ErrDefinition, d.Name()))
		}
		seen[d.Name()] = true
	}
	if o.MaxValueBytes < 0 {
		faults = append(faults, fmt.Errorf("MaxValueBytes is %d: it must not be negative", o.MaxValueBytes))
	}
	if len(faults) > 0 {
		return o, fmt.Errorf("record options: %w", errors.Join(faults...))
	}
	if o.MaxValueBytes == 0 {
		o.MaxValueBytes = DefaultMaxValueBytes
	}
	if o.MaxRecordAge == 0 {
		o.MaxRecordAge = amino.DefaultMaxRecordAge
	}
	if o.ProviderValidity == 0 {
		o.ProviderValidity = amino.DefaultProvideValidity
	}
	if o.SyncInterval == 0 {
		o.SyncInterval = DefaultSyncInterval
	}
	return o, nil
}
