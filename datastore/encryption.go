package datastore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/crypt"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// encryption is the feature of encrypted stores.
const encryption = "encryption"

// keyEntry is a data key in the catalog. See docs/format.md, "Encryption".
type keyEntry struct {
	By      string `json:"by"`
	Wrapped []byte `json:"wrapped"`
}

var (
	keyCodec  = models.DagCBOR[keyEntry]()
	keyPrefix = append(format.Catalog.Append(nil), 4)
)

const (
	// maxDataKeys and maxWrapped bound what a catalog can ask for.
	maxDataKeys = 16
	maxWrapped  = 64 << 10
	// flagMixed says that rows without encryption may be there.
	flagMixed = 1
	// secretSize is the length of a data key, the index key and the flags.
	secretSize = 2*crypt.KeySize + 1
)

func dataKeyKey(number uint32) []byte {
	return binary.BigEndian.AppendUint32(slices.Clone(keyPrefix), number)
}

// secret is what a key entry holds.
type secret struct {
	number uint32
	// data encrypts rows. Index is the key of blind indexes.
	data, index [crypt.KeySize]byte
	// mixed says that rows without encryption may be there.
	mixed bool
}

// newSecret returns a secret with a new data key.
func newSecret(number uint32, index [crypt.KeySize]byte, mixed bool) secret {
	s := secret{number: number, index: index, mixed: mixed}
	_, _ = rand.Read(s.data[:]) // never fails
	return s
}

// purposeOf is the associated data of a wrapped secret.
func purposeOf(store []byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(append([]byte("netabase data key"), store...), number)
}

// wrap returns the entry of the secret in the catalog of the store with an id.
func (s *secret) wrap(ctx context.Context, key Key, store []byte) (*keyEntry, error) {
	payload := make([]byte, 0, secretSize)
	payload = append(append(payload, s.data[:]...), s.index[:]...)
	if s.mixed {
		payload = append(payload, flagMixed)
	} else {
		payload = append(payload, 0)
	}
	wrapped, err := key.Wrap(ctx, payload, purposeOf(store, s.number))
	clear(payload)
	if err == nil && len(wrapped) > maxWrapped {
		err = fmt.Errorf("%w: the wrapped key has %d bytes, the limit is %d", models.ErrInvalid, len(wrapped), maxWrapped)
	}
	if err != nil {
		return nil, fmt.Errorf("wrap data key %d: %w", s.number, err)
	}
	return &keyEntry{By: byOf(key), Wrapped: wrapped}, nil
}

// unwrap returns the secret of an entry.
func (e *keyEntry) unwrap(ctx context.Context, number uint32, key Key, store []byte) (s secret, err error) {
	if len(e.Wrapped) > maxWrapped {
		return s, fmt.Errorf("%w: it has %d bytes", models.ErrCorrupt, len(e.Wrapped))
	}
	if by := byOf(key); by != e.By {
		return s, fmt.Errorf("%w: the store's key is of the kind %q, the one given is of the kind %q", ErrWrongKey,
			shortened(e.By), by)
	}
	payload, err := key.Unwrap(ctx, e.Wrapped, purposeOf(store, number))
	if err != nil {
		return s, err
	}
	defer clear(payload)
	if len(payload) != secretSize {
		return s, fmt.Errorf("%w: it unwraps to %d bytes, not %d", ErrWrongKey, len(payload), secretSize)
	}
	flags := payload[secretSize-1]
	if flags&^flagMixed != 0 {
		return s, fmt.Errorf("%w: its flags are %#02x", ErrVersion, flags)
	}
	s.number, s.mixed = number, flags&flagMixed != 0
	copy(s.data[:], payload)
	copy(s.index[:], payload[crypt.KeySize:])
	return s, nil
}

// readSecrets reads the secrets of an encrypted store, in the order of their numbers. There is at
// least one.
func readSecrets(ctx context.Context, txn engine.ReadTxn, key Key, store []byte) (secrets []secret, err error) {
	if key == nil {
		return nil, ErrNoKey
	}
	c := txn.Cursor(engine.Range{Lower: keyPrefix, Upper: format.PrefixEnd(keyPrefix), KeysOnly: true})
	defer c.Close()
	for c.Next() {
		at := slices.Clone(c.Key())
		if len(secrets) == maxDataKeys {
			return nil, fmt.Errorf("%w: the store has more than %d data keys", models.ErrCorrupt, maxDataKeys)
		}
		if len(at) != len(keyPrefix)+4 {
			return nil, fmt.Errorf("%w: data key with the key %x", models.ErrCorrupt, at)
		}
		number := binary.BigEndian.Uint32(at[len(keyPrefix):])
		var entry keyEntry
		if _, err := getCatalog(txn, at, keyCodec, &entry); err != nil {
			return nil, fmt.Errorf("data key %d: %w", number, err)
		}
		s, err := entry.unwrap(ctx, number, key, store)
		if err == nil && (number == 0 || len(secrets) > 0 && s.index != secrets[0].index) {
			err = fmt.Errorf("%w: it does not belong to the others", models.ErrCorrupt)
		}
		if err != nil {
			return nil, fmt.Errorf("data key %d: %w", number, err)
		}
		secrets = append(secrets, s)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%w: the store is encrypted and its data keys are missing", models.ErrCorrupt)
	}
	return secrets, nil
}

// dataKeyOf returns the data key of a secret.
func (s *secret) dataKey() (*crypt.DataKey, error) { return crypt.NewDataKey(s.number, s.data[:]) }

// keysOf returns the data keys of secrets, of which the last one is in use.
func keysOf(secrets []secret) (*crypt.Keys, error) {
	known := make(map[uint32]*crypt.DataKey, len(secrets))
	for i := range secrets {
		key, err := secrets[i].dataKey()
		if err != nil {
			return nil, err
		}
		known[key.Number] = key
	}
	return crypt.NewKeys(known, secrets[len(secrets)-1].mixed), nil
}

// encrypt reads the secrets of the store, or makes the first one if the store is to be encrypted from
// now on, which has to be allowed for one that has been written without a key. It returns none for a
// store that is not encrypted.
func (c *catalog) encrypt(ctx context.Context, key Key, allowed bool) ([]secret, error) {
	switch {
	case slices.Contains(c.store.Incompatible, encryption):
		return readSecrets(ctx, c.read, key, c.store.ID)
	case key == nil:
		return nil, nil
	case c.write == nil || !c.created && !allowed:
		return nil, ErrNotEncrypted
	}
	var index [crypt.KeySize]byte
	_, _ = rand.Read(index[:]) // never fails
	first := newSecret(1, index, !c.created)
	entry, err := first.wrap(ctx, key, c.store.ID)
	if err == nil {
		err = putCatalog(c.write, dataKeyKey(first.number), keyCodec, entry)
	}
	if err != nil {
		return nil, err
	}
	c.changed = true
	c.store.Incompatible = setFeature(c.store.Incompatible, encryption, true)
	return []secret{first}, putCatalog(c.write, storeKey, storeCodec, &c.store)
}

// unlock returns the data keys of a store that is inspected: without a Key, those of a store whose
// rows cannot be read.
func (c *catalog) unlock(ctx context.Context, key Key) (*crypt.Keys, error) {
	switch {
	case slices.Contains(c.store.Incompatible, encryption):
	case key != nil:
		return nil, ErrNotEncrypted
	default:
		return nil, nil
	}
	secrets, err := readSecrets(ctx, c.read, key, c.store.ID)
	if errors.Is(err, ErrNoKey) {
		return crypt.NewLockedKeys(err), nil
	}
	if err != nil {
		return nil, err
	}
	return keysOf(secrets)
}
