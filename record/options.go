package record

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p-kad-dht/amino"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/providers"
)

// DefaultMaxValueBytes is the default of Options.MaxValueBytes. kad-dht sends messages of
// up to 4 MiB, which hold a record and the addresses of up to 20 peers.
const DefaultMaxValueBytes = 64 << 10

// MaxKeyBytes is how many bytes the key of a record or a provider record may have, as
// the store encodes it. A longer key is refused with models.ErrKeySize. kad-dht's own
// keys have less than 100.
const MaxKeyBytes = 4096

// DefaultSyncInterval is the default of Options.SyncInterval. A power loss can take back
// the records of other peers that came within this time.
const DefaultSyncInterval = time.Second

// DefaultCacheBytes is the default of Options.CacheBytes. It is enough for some 2,000,000
// provider records, at five to a key.
const DefaultCacheBytes = 128 << 20

// Options configure Records. The zero value is ready to use.
type Options struct {
	// Models are the definitions whose trees travel in the DHT. Each tree has the policy
	// that it was declared with; a tree that is models.Local is refused. The store must
	// be opened with these definitions. Defaults to none: then Records keep only values
	// and provider records.
	Models []*models.Definition

	// MaxValueBytes bounds the record of a model, which is the whole envelope if it is
	// signed, together with the fields that the record has besides key, value and time;
	// and the values put under the keys of other records and provider records.
	// A larger one is refused with models.ErrTooLarge. Peers that hold the same records
	// should agree on it. Defaults to DefaultMaxValueBytes.
	MaxValueBytes int

	// MaxRecordAge is how long a record is served and kept after it came. It is also
	// the longest time for which a record may be signed, so peers have to agree on it. A
	// negative age means for ever, or as long as the record's TTL. Defaults to kad-dht's,
	// 48 hours. It applies whatever age the user of the datastore keeps to: see Open.
	MaxRecordAge time.Duration

	// ProviderValidity is how long a provider record is served and kept after
	// it came. A negative time means for ever. Defaults to kad-dht's, 48 hours.
	ProviderValidity time.Duration

	// RepublishInterval is the time after which [Node.Republish] puts a record of this
	// peer again. It has to be less than MaxRecordAge. A negative interval switches
	// republishing off. Defaults to 22 hours, as in kad-dht, or to half of MaxRecordAge
	// if that is less.
	RepublishInterval time.Duration

	// Bounds limit how many records of other peers are kept.
	Bounds Bounds

	// Meters receives the metrics. Defaults to OpenTelemetry's global provider, as in
	// kad-dht.
	Meters metric.MeterProvider

	// Log is told, at slog.LevelDebug, of each record that is refused: why, with its tree and
	// key. After twenty at once it gets one a second, and how many were left out before it.
	// It may be called from several goroutines. Defaults to none: then nothing is logged.
	Log slog.Handler

	// Answered, if set, is called after each sync of a topic that another peer has begun, with the error
	// that has ended it. It may be called from several goroutines, each of which has a session of a
	// peer, and lasts until it returns. Defaults to none.
	Answered func(SyncReport, error)

	// SyncInterval is the longest time until a record from another peer is durable. With
	// a negative interval only Sync and Close make such records durable and file the
	// references of provider records. Defaults to DefaultSyncInterval.
	SyncInterval time.Duration

	// CacheBytes bounds the memory, in bytes, for the provider records that were read or
	// written last. A key with five takes some 300. The memory is taken as it is
	// needed. A negative number means no cache. Defaults to DefaultCacheBytes.
	CacheBytes int
}

// Bounds limit soft state: provider records, and the records that came from the DHT and
// do not belong to the program's own rows. A negative number means no bound. Bounds hold
// across restarts.
type Bounds struct {
	// Records is how many records there may be. When there are more, the oldest are
	// dropped, rows included. Defaults to 1,000,000.
	Records int

	// Providers is how many provider records there may be. When there are more, the
	// oldest are dropped. Defaults to 5,000,000.
	Providers int

	// ProvidersPerKey is how many providers a key may have. When a key has that many, a
	// new provider is refused with ErrFull, and a known one is still taken when it
	// comes again. Defaults to 2,000.
	ProvidersPerKey int

	// KeysPerPeer is how many keys a peer may provide here. When a peer provides that
	// many, a new key is refused with ErrFull, and a known one is still taken when it
	// comes again. Defaults to 1,000,000.
	KeysPerPeer int

	// Bytes is how many bytes the keys and values of all records and provider records
	// may have together. When they have more, the oldest of both are dropped. With
	// indexes, they take a few times as much on disk. At least one record has to fit, so
	// Bytes may not be less than MaxKeyBytes and Options.MaxValueBytes together.
	// Defaults to 2 GiB.
	Bytes int64
}

// Defaults of Bounds.
const (
	DefaultMaxRecords         = 1_000_000
	DefaultMaxProviders       = 5_000_000
	DefaultMaxProvidersPerKey = 2_000
	DefaultMaxKeysPerPeer     = 1_000_000
	DefaultMaxBytes           = 2 << 30
)

func (b Bounds) withDefaults() Bounds {
	b.Records = cmp.Or(b.Records, DefaultMaxRecords)
	b.Providers = cmp.Or(b.Providers, DefaultMaxProviders)
	b.ProvidersPerKey = cmp.Or(b.ProvidersPerKey, DefaultMaxProvidersPerKey)
	b.KeysPerPeer = cmp.Or(b.KeysPerPeer, DefaultMaxKeysPerPeer)
	b.Bytes = cmp.Or(b.Bytes, DefaultMaxBytes)
	return b
}

// normalize fills in defaults and returns every fault in one error. The error matches
// models.ErrDefinition if a definition is at fault.
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
			faults = append(faults,
				fmt.Errorf("%w: Models cannot have a definition %q again", models.ErrDefinition, d.Name()))
		}
		seen[d.Name()] = true
		for _, tree := range d.Trees() {
			faults = append(faults, policy.CheckTree(tree))
		}
	}
	if o.MaxValueBytes < 0 {
		faults = append(faults, fmt.Errorf("MaxValueBytes is %d: it must not be negative", o.MaxValueBytes))
	}
	o.MaxValueBytes = cmp.Or(o.MaxValueBytes, DefaultMaxValueBytes)
	o.MaxRecordAge = cmp.Or(o.MaxRecordAge, amino.DefaultMaxRecordAge)
	o.ProviderValidity = cmp.Or(o.ProviderValidity, amino.DefaultProvideValidity)
	if o.RepublishInterval == 0 {
		o.RepublishInterval = amino.DefaultReprovideInterval
		if half := o.MaxRecordAge / 2; half > 0 {
			o.RepublishInterval = min(o.RepublishInterval, half)
		}
	}
	if o.MaxRecordAge > 0 && o.RepublishInterval >= o.MaxRecordAge {
		faults = append(faults, fmt.Errorf("RepublishInterval is %v: it has to be less than MaxRecordAge, %v",
			o.RepublishInterval, o.MaxRecordAge))
	}
	o.SyncInterval = cmp.Or(o.SyncInterval, DefaultSyncInterval)
	o.CacheBytes = cmp.Or(o.CacheBytes, DefaultCacheBytes)
	o.Bounds = o.Bounds.withDefaults()
	if o.Meters == nil {
		o.Meters = otel.GetMeterProvider()
	}
	if least := int64(MaxKeyBytes + o.MaxValueBytes); o.Bounds.Bytes >= 0 && o.Bounds.Bytes < least {
		faults = append(faults, fmt.Errorf("Bounds.Bytes is %d: one record can have %d", o.Bounds.Bytes, least))
	}
	if err := errors.Join(faults...); err != nil {
		return o, fmt.Errorf("record options: %w", err)
	}
	return o, nil
}

// providers returns the options for provider records.
func (o *Options) providers() providers.Options {
	interval := fileInterval
	if o.SyncInterval < 0 {
		interval = -1
	}
	return providers.Options{
		Validity: o.ProviderValidity, MaxPerKey: o.Bounds.ProvidersPerKey, MaxPerPeer: o.Bounds.KeysPerPeer,
		RowBytes: o.CacheBytes, FileInterval: interval,
	}
}

// fileInterval is how long after they came provider records may be found by peer and
// by time only once they have been filed.
const fileInterval = 10 * time.Second
