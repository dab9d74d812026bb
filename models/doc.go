// Package models declares records: Go structs with a primary key and any number
// of other keys. The compiler knows the type of every key.
//
// A [Tree] keeps rows of one type by primary key. An [Index], a [Unique], a
// [Multi] or a [Blind] finds them by another key. A [KeyCodec] writes keys so that
// their bytes sort as the keys do. A [Codec] writes rows; trees use [DagCBOR] by
// default. A [Definition] is a named set of trees, which datastore.Open takes.
// All of these are handles: they hold no data. A program makes them once,
// usually as package-level variables, and uses them with any number of stores.
//
//	type User struct {
//		ID    uint64
//		Email string
//	}
//
//	var (
//		Users       = models.NewTree("user", models.Uint64, func(u *User) uint64 { return u.ID })
//		UserByEmail = models.NewIndex(Users, "email", models.String, func(u *User) string { return u.Email })
//
//		Blog = models.NewDefinition("blog", Users)
//	)
//
//	err := Users.Put(ctx, store, &User{ID: 1, Email: "alice@example.com"})
//	for user, err := range UserByEmail.Find(ctx, store, "alice@example.com") { … }
//	for user, err := range Users.Range(ctx, store, models.From(uint64(100)).Reverse().Limit(20)) { … }
//
// The command modelgen, run by go generate, writes these declarations from struct
// tags, and a codec that uses no reflection.
//
// Every operation takes a [Reader] or a [Writer], which says where it works. A
// *datastore.Store gives each call a transaction of its own. Inside Store.View
// and Store.Update, calls take the function's transaction instead. Writing through
// a *datastore.ReadTx does not compile.
//
// # Keys
//
// There is a codec for every integer type, string, []byte, bool, both floats
// and time.Time, and [UintOf], [IntOf], [StringOf], [BytesOf], [BoolOf] and
// [FloatOf] make one for a named type. [PairOf], [TripleOf] and [QuadOf] make
// composite keys, which are ordered by their parts from the first to the last.
// [FirstIs], [FirstTwoAre] and [FirstThreeAre] select by the first parts,
// [StartingWith] by the first characters. A stored key has at most 32 768 bytes, in
// an index together with the primary key.
//
// A [KeyCodec] of your own can do everything that the codecs of this package
// do: see [PrefixCodec], [PartsCodec], [SizedCodec] and [SkippingCodec].
//
// A key has two texts. Format writes it for people, in errors, logs and command
// lines: -5, sku-00, 2026-11-28T10:00:00Z, and with commas between parts. AppendText
// writes it for paths, where the text has to sort as the key does.
//
// Key codecs take every value of their type, since taking a key from a row cannot
// fail. [DagCBOR] takes fewer, as its format has no NaN, no infinities, no text
// that is not UTF-8 and no years outside 0 to 9999: writing a row with one of them
// returns ErrInvalid, whether or not the field is a key. Asking for such a key
// finds nothing and is no error.
//
// # Indexes
//
// An index has one entry for each row, and a Multi one for each of a row's keys.
// Writing a row reads the one it replaces, and moves the entries of keys that
// have changed in the same transaction; a tree without indexes is written
// without reading. An extractor must depend on its row alone: the store finds
// the entries of a row again by running the extractor on the stored row. When
// you change an extractor, or anything else of an index, raise its [IndexVersion],
// and the next Open builds it anew.
//
// In a store that is encrypted, index keys are still there to read, because
// their order has to be. A [Blind] or [BlindUnique] hides them, and finds rows by
// whole keys only.
//
// Programs without the Go type find out how keys are made if the declaration says
// which fields they are: see [KeyFields] and [Fields]. Code of modelgen says it.
//
// # Topics
//
// A [Topic] is a named part of the rows of a tree that travels. Each of its rows has
// an id, a hash of its key and its value, and the store keeps the sums of ranges of
// ids, so that two peers find out in which rows they differ without telling each
// other all of them. See [RawTopic].
//
// # Time of reading
//
// Iteration is lazy. Inside a transaction it reads that transaction's snapshot.
// On a store it reads in pages, each a snapshot of its own, and no transaction
// is open while the loop's body runs: the body may write to the same tree, and
// may take as long as it likes, but rows that change meanwhile may or may not
// be seen. Counts and keys read no rows.
//
// # Memory
//
// Models that are returned are the caller's. [Tree.Borrow] lends a row in the
// engine's memory, without copying it. Lent data has types of its own, such as
// [BorrowedString], and must not be used once the function it was lent to has
// returned. Programs built with the tag netabase_debug panic when it is.
//
// # Expiry
//
// A row put with [Tree.PutUntil] is not read from its expiry on. Keys and counts,
// which read no rows, still have it until the store has removed it, seconds
// later.
//
// # Watching
//
// [Tree.Watch], and the method of that name of every index, yields what changes in a range of
// rows, each after its commit and in the order of commits: the row before and after, who has changed
// it, and the number of the commit. It can begin with the rows that are there. A loop that is too slow
// gets [ErrLagging], and no change is ever left out without an error. [WatchTrees] watches several
// trees in one order, as bytes. Writing to a tree that nobody watches costs nothing more.
//
// # Errors
//
// Errors match one of the sentinels of this package with errors.Is; those of an
// operation are an [*Error], which names tree, index and key. Reading a row
// that is damaged on disk returns [ErrCorrupt], and never a wrong model.
// Nothing panics because of data.
//
// # Caveats
//
// The model's shape is recorded in the store, with those of earlier versions. A field
// that is new has its default in older rows, of its tag or [WithDefault]. A model that has
// lost something is refused: see [WithEarlier] and [WithGivenUp]. So is another primary key:
// see [WithKeyVersion]. Integers of different
// width are different keys. -0 and 0 are the same float key, and so are all NaN; the value
// keeps the sign of -0. A time is an instant: neither keys nor values keep its
// zone. Nil and empty slices and maps are read back as empty.
package models
