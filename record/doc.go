// Package record makes a store the datastore of a go-libp2p-kad-dht node, and
// typed trees the records that travel in its DHT.
//
// [Records] is a go-datastore. What kad-dht puts into it lands in typed trees:
// provider records in trees of its own, values of other protocols such as public
// keys in [Values], and the values of a registered model as rows of that
// model's own tree, indexes included. [Node] is Records and their DHT: [Publish]
// puts a model into the DHT with it, and [Resolve] gets one back.
//
//	store, err := datastore.Open(ctx, badger.Engine(dir), record.Definition, club.Club)
//	records, err := record.New(ctx, store, record.Options{Models: []*models.Definition{club.Club}})
//	dht, err := dht.New(host, append(records.DHTOptions(), dht.Mode(dht.ModeServer))...)
//	node, err := record.Join(records, dht)
//
//	report, err := record.Publish(ctx, node, club.Members, &alice) // report.Took are the peers that have it
//	alice, err := record.Resolve(ctx, node, club.Members, 1)
//	for member, err := range club.MemberByEmail.Find(ctx, store, "alice@example.com") { … } // what the DHT placed here
//	err = node.Republish(ctx) // keeps in the DHT what this peer has published
//
// They are closed from the network inwards: the DHT and its host, the Records,
// the store. A program that only wants a datastore calls [Open] and gives the result
// to kad-dht.
//
// # Records and rows
//
// The record key of a row is "/club.member/" and the row's key as text, the value
// is the row's value. Each tree says by its policy who may put a record; a tree that
// is models.Local does not travel, and New refuses it.
//
//	models.Open       anyone. Of two records the better has the higher clock
//	                  (models.WithClock), or of equal clocks the larger bytes
//	models.Signed     the peer that the primary key begins with: see PeerKey and Retract.
//	                  The better of two has the higher sequence number
//	models.Immutable  anyone, but the key is the hash of the value: see HashKey and Identify
//
// A record is taken if its value decodes, is canonical and has the key of the record
// key, if the policy allows it, and if it is better than the row that is there. A model
// in an open tree whose rows change should declare a clock: without one, a change whose
// bytes are smaller is refused everywhere. A clock is no protection: a stranger can put
// a record with the highest there is.
//
// A Unique index of such a tree holds the rows of all peers that claim a key, and every
// peer answers with the same one: see models.NewUnique.
//
// # Ordinary writes to a tree that travels
//
// Put, Insert, Replace, Modify, Upsert, Delete and the others change the rows of this
// peer. [StatusOf] says how a row stands. In an open tree they mean:
//
//	the row was            after Put, Modify, …             after Delete
//	not there              Local: here only                 not there
//	Local                  Local                            not there
//	Published, Expired     Changed: Republish publishes     not there; no longer served and
//	                       it, a second later               published. Other peers have it
//	                                                        until it expires there
//	Received, Kept         Local; a better record from      not there, until a record comes
//	                       the DHT replaces it              from the DHT again
//
// A write that leaves a row as it was changes nothing. Publish makes a row of any state
// Published. In a signed tree ordinary writes return models.ErrPolicy: Publish and
// Retract are the way. In an immutable tree a row that is put is Local until it is
// published, and a Delete is as in an open one.
//
// # Refusals
//
// A record that cannot be taken is refused with an error that names tree and key. It
// matches models.ErrInvalid where it is no such record (it does not decode, is
// not canonical, has another key or namespace, or is not what the policy asks
// for), models.ErrTooLarge or models.ErrKeySize where it passes a bound, or
// [ErrOldRecord] where a better one is stored. Nothing is changed then.
//
// There are also limits on how much is kept of what strangers send: see [Bounds]. A
// provider record that passes one of a key or a peer is refused with [ErrFull]. For the
// others the oldest records are dropped. docs/records.md tells operators of all of
// these, and of the metrics, which metrics.go makes.
//
// # Age
//
// A record expires when it is older than Options.MaxRecordAge, a provider record
// when it is older than Options.ProviderValidity, 48 hours each unless told
// otherwise. Records remove what has expired within two minutes, found by index, so
// that it costs nothing while nothing expires. A row that was Received goes with its
// record. A row that is Published becomes Expired: it is no longer served until
// [Node.Republish] publishes it again.
//
// Records are stamped with the time of this peer's clock. If the clock ran ahead and is
// right again, what it has stamped meanwhile is evicted first, republished at once, and
// stamped anew within an hour.
//
// # Durability
//
// What strangers put is soft state, which the network sends again: it survives
// the end of the process at once, and a power loss from the next Sync, Close or
// Options.SyncInterval on. What this peer publishes is durable when Publish
// returns, and so is data that is neither record nor provider.
package record
