// Package record makes a store the datastore of a go-libp2p-kad-dht node, and
// typed trees the records that travel in its DHT.
//
// [Records] is a go-datastore. It keeps the records that kad-dht puts in typed trees:
// provider records in trees of its own, values of other protocols such as public
// keys in one more, and the values of a registered model as rows of that
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
//	for member, err := range club.MemberByEmail.Find(ctx, store, "alice@example.com") { … } // in the local store
//	err = node.Republish(ctx) // keeps this peer's own records in the DHT
//
// Close them from the network inwards: first the DHT and its host, then the Records,
// then the store. A program that only wants a datastore calls [Open] and gives the result
// to kad-dht.
//
// # Records and rows
//
// The record key of a row is "/club.member/" and the row's key as text. The record's
// value is the row's value. The policy of a tree says who may put a record. A tree that
// is models.Local does not travel, and New refuses it.
//
//	models.Open       anyone. Of two records the better has the higher clock
//	                  (models.WithClock), or of equal clocks the larger bytes. With
//	                  models.WithMerge the stored row becomes the merge of both, and with
//	                  models.WithTombstones a deletion is a record too
//	models.Signed     the peer that the primary key begins with: see PeerKey and Retract.
//	                  The better of two has the higher sequence number
//	models.Immutable  anyone, but the key is the hash of the value: see HashKey and Identify
//
// A peer takes a record if its value decodes, is canonical and has the key of the record
// key, if the policy allows it, and if it is better than the row that is stored, or is merged with it. A value may
// have fields that this peer's model does not have, and lack some that it has: see
// "Peers with other versions of a model". If the
// rows of an open tree change, its model should declare a clock: without one, every peer
// refuses a change whose bytes are smaller. A clock does not protect a row: any peer can
// put a record with the highest clock.
//
// A Unique index of such a tree holds the rows of all peers that claim a key, and every
// peer answers with the same one: see models.NewUnique.
//
// # Ordinary writes to a tree that travels
//
// Put, Insert, Replace, Modify, Upsert, Delete and the others change the rows of this
// peer. [StatusOf] tells the state of a row. In an open tree they mean:
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
// Published. In a signed tree ordinary writes return models.ErrPolicy: use Publish and
// Retract. In an immutable tree a row that is put is Local until it is published, and
// Delete works as in an open one.
//
// # Peers with other versions of a model
//
// Peers never change their models at the same moment. So fields can be added to a model of a
// tree that travels, and given up, at any time, if its codec is models.DagCBOR or one of
// modelgen. A record that has fields which this peer's model does not have, at any depth, is
// stored and served on byte for byte, and counts for the bounds with all its bytes. A field
// that a record lacks has its default. Peers of all versions so hold the same record and choose
// the same of two. Modify, Upsert and Publish keep the fields that they do not know; Put and
// Replace store the model alone.
//
// The type of a field must not change under one name, or peers refuse each other's records, and
// a renamed field is a new one. A model that needs more gets a tree of another name: see
// [Successor]. [Node.Schemas] says which of two peers has the newer model.
//
// # Topics
//
// A topic is a named part of the rows of a tree, or all of them: see models.NewTopic. [Node.Sync]
// brings a topic of two peers together, with traffic that grows with what differs, and
// [Node.KeepSynced] keeps topics together with peers that it finds through the DHT:
//
//	var Recent = models.NewTopic(Members, "recent", func(m *Member) bool { return m.Year >= 2026 })
//
//	report, err := node.Sync(ctx, peer, Recent.Name(), record.SyncOptions{Direction: record.Pull})
//	err = node.KeepSynced(ctx, record.KeepSynced{Topics: []string{Recent.Name()}})
//
// With a gossipsub, new rows reach all peers of the topic at once:
//
//	ps, err := record.NewPubSub(ctx, host)
//	err = node.KeepSynced(ctx, record.KeepSynced{Topics: []string{Recent.Name()}, PubSub: ps})
//
// All rows of a topic travel, whether they have been published or not. A record that comes so is
// treated as one from the DHT, and keeps the age that it has at the other peer. docs/sync.md
// specifies the protocol.
//
// # Refusals
//
// A record that cannot be taken is refused with an error that names tree and key. A
// refused record changes nothing. The error matches
//
//   - models.ErrInvalid if the record does not decode, is not canonical, has another key
//     or namespace, or breaks the policy,
//   - models.ErrTooLarge or models.ErrKeySize if it is larger than a bound allows,
//   - [ErrOldRecord] if a better one is stored,
//   - models.ErrMerge if the merge of the record and the stored row cannot be stored.
//
// [Bounds] limit how many records of other peers are kept. A provider record beyond the
// limit of its key or its peer is refused with [ErrFull]. For the other limits the oldest
// records are dropped. docs/records.md explains all of these to operators, and the
// metrics, which metrics.go makes.
//
// # Age
//
// A record expires when it is older than Options.MaxRecordAge, a provider record
// when it is older than Options.ProviderValidity. Both are 48 hours by default. A record
// may have a TTL beside its value, as those of rust-libp2p do: it expires when that has
// passed, if that is earlier. A shorter TTL of the same record changes nothing. Records
// remove an expired record within two minutes. They find it by index, so that this costs
// nothing while nothing expires. A row that was Received is removed with its record. A
// row that is Published becomes Expired: it is not served until [Node.Republish]
// publishes it again.
//
// Records are stamped with the time of this peer's clock. If the clock ran ahead and is
// right again, the records it stamped meanwhile are evicted first, republished at once,
// and stamped anew within an hour.
//
// # Durability
//
// Records from other peers are soft state, which the network sends again. They survive
// the end of the process at once, and a power loss after the next Sync, Close or
// Options.SyncInterval. A record that this peer publishes is durable when Publish
// returns, and so is data that is neither record nor provider record.
package record
