// Package keystore stores the keys that a node provides, for kad-dht's sweeping provider.
//
// A [Keystore] is what provider.WithKeystore takes. It keeps each key as a row of a typed
// tree, in the order of Kademlia keys, in any store that is opened with [Definition]:
//
//	store, err := datastore.Open(ctx, badger.Engine(dir), record.Definition, keystore.Definition)
//	keys, err := keystore.New(ctx, store, "provide")
//	sweeping, err := provider.New(provider.WithKeystore(keys), …)
//
// Close them in the reverse order. A key is a multihash, and its Kademlia key is the SHA-256
// of the multihash. The keys under a prefix lie side by side, so that Get, CountKeysUpTo and
// ContainsPrefix read no others. The number of keys is stored with them, and Size reads it.
//
// # Reset
//
// [Keystore.ResetCids] replaces all keys. A key that is both in the old set and in the new
// one is on the disk once: its row says which sets it is in. Until the reset ends, all calls
// read the old set. Then they all read the new one. Put adds a key to both sets. Delete removes it
// from both, and the channel can bring it back. A reset that is interrupted, by its context, by Close or by the end
// of the process, leaves the old set as it was. Keys that are in no set are removed in the
// background.
//
// # Caveats
//
// A prefix has to consist of '0' and '1'. Get returns all keys under a prefix in one slice,
// so the caller chooses how much memory it takes. Everything else needs memory for
// [BatchSize] keys, however many there are.
//
// kad-dht's provider recognises kad-dht's own ResettableKeystore by its type. After a reset
// of one, RefreshSchedule reprovides every region at once if the schedule becomes twice as
// long. With this Keystore the regions that are new are reprovided when their turn comes,
// within one interval.
package keystore
