// Package record makes a store the datastore of a go-libp2p-kad-dht node, and
// typed trees the records that travel in its DHT.
//
// [Records] is a go-datastore. What kad-dht puts into it lands in typed trees:
// provider records in trees of its own, values of other protocols such as public
// keys in [Values], and the values of a registered model as rows of that
// model's own tree, indexes included. [Publish] puts a model into the DHT and
// [Resolve] gets one back.
//
//	store, err := datastore.Open(ctx, badger.Engine(dir), record.Definition, blog.Blog)
//	records, err := record.New(store, record.Options{Models: []*models.Definition{blog.Blog}})
//	node, err := dht.New(host, append(records.DHTOptions(), dht.Mode(dht.ModeServer))...)
//
//	err = record.Publish(ctx, node, records, blog.Users, &alice)
//	alice, err := record.Resolve(ctx, node, records, blog.Users, 1)
//	for user, err := range blog.UserByEmail.Find(ctx, store, "alice@example.com") { … } // what the DHT placed here
//
// They are closed from the network inwards: the DHT and its host, the Records,
// the store.
//
// # Records and rows
//
// The record key of a row is "/blog.user/" and the row's key as text, the value
// is the row's value. Anyone may put such a record, unless Options.Policies has
// another [Policy] for the tree: it is
// taken if the value decodes, is canonical and has the key of the record key,
// and if it is better than the row that is there. The better of two is the one
// with the higher clock ([models.WithClock]), and between equal clocks the one
// with the larger bytes. A model whose rows change should declare a clock:
// without one, a change whose bytes are smaller is refused everywhere. Under the
// open policy a clock is no protection: a stranger can put a record with the
// highest there is.
//
// Beside the row lies a [Receipt] that says when the record came and whose it
// is. A row that the program has put by itself has none, and is not served to
// the DHT until it is published. A better record from the DHT replaces it all
// the same: in a tree that travels, a row is what the network agrees on.
//
// # Refusals
//
// What cannot be taken is refused with an error that names tree and key and
// matches models.ErrInvalid where it is no such record (it does not decode, is
// not canonical, has another key or namespace, or is not what the policy asks
// for), models.ErrTooLarge or
// models.ErrKeySize where it passes a bound, models.ErrUnique where another row
// has one of its unique keys, or [ErrOldRecord] where a better one is stored.
// Then what is stored is as it was.
//
// What strangers send has bounds as well, see [Bounds]: a provider record that
// passes one of a key or a peer is refused with [ErrFull], and for the others
// what came first is dropped. docs/records.md tells operators of all of these,
// and of the metrics.
//
// # Age
//
// A record expires when it is older than Options.MaxRecordAge, a provider record
// when it is older than Options.ProviderValidity, 48 hours each unless told
// otherwise. Records remove what has expired within two minutes, found by index, so
// that it costs nothing while nothing expires. Of a stranger's record the row
// goes too. A row that the program has put or published stays in its tree; it is
// no longer served, and no longer found in the DHT, until it is published again,
// which [Node.Republish] sees to.
//
// # Durability
//
// What strangers put is soft state, which the network sends again: it survives
// the end of the process at once, and a power loss from the next Sync, Close or
// Options.SyncInterval on. What this peer publishes is durable when Publish
// returns, and so is data that is neither record nor provider.
package record
