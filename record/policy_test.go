package record_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	dsq "github.com/ipfs/go-datastore/query"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	envelope "github.com/libp2p/go-libp2p/core/record"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/receipts"
)

// Offer is what a peer sells, of which it has several.
type Offer struct {
	Seller peer.ID
	Number uint64
	Title  string
	Price  int64
}

type OfferKey = models.Pair[peer.ID, uint64]

// Profile is what a peer says of itself.
type Profile struct {
	Peer peer.ID
	Name string
}

// Photo never changes.
type Photo struct {
	ID    record.Hash `cbor:"-"`
	Title string
	Data  []byte
}

var (
	Offers = models.NewTree("offer", models.PairOf(record.PeerKey, models.Uint64),
		func(o *Offer) OfferKey { return models.MakePair(o.Seller, o.Number) }, models.WithPolicy[Offer](models.Signed))
	OfferByTitle = models.NewIndex(Offers, "title", models.String, func(o *Offer) string { return o.Title })
	Profiles     = models.NewTree("profile", record.PeerKey, func(p *Profile) peer.ID { return p.Peer },
		models.WithPolicy[Profile](models.Signed))
	Photos = models.NewTree("photo", record.HashKey, func(p *Photo) record.Hash { return p.ID },
		models.WithKey(func(p *Photo, id record.Hash) { p.ID = id }), models.WithPolicy[Photo](models.Immutable))
	PhotoByTitle = models.NewIndex(Photos, "title", models.String, func(p *Photo) string { return p.Title })

	Market = models.NewDefinition("market", Offers, Profiles, Photos)
)

func market() record.Options {
	return record.Options{
		Models:       []*models.Definition{Market},
		MaxRecordAge: 24 * time.Hour, ProviderValidity: 24 * time.Hour,
	}
}

// trader has a key of its own.
type trader struct {
	id  peer.ID
	key crypto.PrivKey
}

func newTrader(t testing.TB) trader {
	t.Helper()
	key, public, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return trader{id, key}
}

// recordKey is the record key of an offer, by docs/format.md.
func (tr trader) recordKey(number uint64) string {
	return fmt.Sprintf("/market.offer/%s,%020d", hex.EncodeToString([]byte(tr.id)), number)
}

// signed is what a peer signs, written by docs/format.md.
type signed struct {
	sequence, expires uint64
	kind              byte
	key               string
	value             []byte
	domain, codec     string
	// pad spells the sequence number in more bytes than it takes.
	pad bool
}

func (s *signed) Domain() string { return s.domain }

func (s *signed) Codec() []byte { return []byte(s.codec) }

func (s *signed) UnmarshalRecord([]byte) error { return errors.New("is never read") }

func (s *signed) MarshalRecord() ([]byte, error) {
	b := binary.AppendUvarint(nil, s.sequence)
	if s.pad {
		b[len(b)-1] |= 0x80
		b = append(b, 0)
	}
	b = append(binary.AppendUvarint(b, s.expires), s.kind)
	b = append(binary.AppendUvarint(b, uint64(len(s.key))), s.key...)
	return append(b, s.value...), nil
}

func seal(t testing.TB, by trader, s signed) []byte {
	t.Helper()
	if s.domain == "" {
		s.domain = "netabase-record"
	}
	if s.codec == "" {
		s.codec = "/netabase/record"
	}
	e, err := envelope.Seal(&s, by.key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func value[M, K any](t testing.TB, tree *models.Tree[M, K], m M) []byte {
	t.Helper()
	_, v, err := tree.Encode(&m)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func inADay() uint64 { return uint64(time.Now().Add(24 * time.Hour).Unix()) }

// offer is a signed offer that is fine.
func offer(t testing.TB, by trader, number, sequence uint64, title string) []byte {
	t.Helper()
	return seal(t, by, signed{
		sequence: sequence, expires: inADay(), key: by.recordKey(number),
		value: value(t, Offers, Offer{by.id, number, title, 5}),
	})
}

func tombstone(t testing.TB, by trader, number, sequence uint64) []byte {
	t.Helper()
	return seal(t, by, signed{sequence: sequence, expires: inADay(), kind: 1, key: by.recordKey(number)})
}

// take has kad-dht's part: it asks the validator, and puts what that accepts.
func take(t testing.TB, r *record.Records, recordKey string, data []byte) error {
	t.Helper()
	invalid := r.Validator().Validate(recordKey, data)
	err := r.Put(context.Background(), dsKey(strings.Split(recordKey, "/")[1], recordKey), kadRecord(t, recordKey, data, time.Now()))
	if invalid != nil && err == nil {
		t.Errorf("%s: what the validator refuses is taken: %v", recordKey, invalid)
	}
	if invalid != nil {
		return invalid
	}
	return err
}

func titles(t testing.TB, store *datastore.Store, title string) (found []Offer) {
	t.Helper()
	for o, err := range OfferByTitle.Find(context.Background(), store, title) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, o)
	}
	return found
}

func TestSigned(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		r, store := openRecords(t, eng, market())
		ada, eve := newTrader(t), newTrader(t)
		good := offer(t, ada, 1, 10, "hammer")
		if err := take(t, r, ada.recordKey(1), good); err != nil {
			t.Fatal(err)
		}
		if found := titles(t, store, "hammer"); len(found) != 1 || found[0] != (Offer{ada.id, 1, "hammer", 5}) {
			t.Errorf("the index finds %+v", found)
		}
		key := dsKey("market.offer", ada.recordKey(1))
		if got := mustGet(t, r, key); !bytes.Contains(got, good) {
			t.Errorf("served is %x, which is not what was put", got)
		}
		if entries := list(t, r, dsq.Query{Prefix: "/market.offer"}); len(entries) != 1 || !bytes.Contains(entries[key.String()].Value, good) {
			t.Errorf("the query finds %v", entries)
		}

		v := value(t, Offers, Offer{ada.id, 1, "saw", 5})
		tampered := bytes.Replace(good, []byte("hammer"), []byte("Hammer"), 1)
		fine := signed{sequence: 99, expires: inADay(), key: ada.recordKey(1), value: v}
		with := func(by trader, change func(*signed)) []byte {
			s := fine
			change(&s)
			return seal(t, by, s)
		}
		for name, data := range map[string][]byte{
			"nothing":               {},
			"no envelope":           v,
			"tampered with":         tampered,
			"another's signature":   with(eve, func(*signed) {}),
			"another record key":    with(ada, func(s *signed) { s.key = ada.recordKey(2) }),
			"another's record key":  with(ada, func(s *signed) { s.key = eve.recordKey(1) }),
			"a row of another key":  with(ada, func(s *signed) { s.value = value(t, Offers, Offer{ada.id, 2, "saw", 5}) }),
			"a row of another peer": with(ada, func(s *signed) { s.value = value(t, Offers, Offer{eve.id, 1, "saw", 5}) }),
			"no row":                with(ada, func(s *signed) { s.value = nil }),
			"no CBOR":               with(ada, func(s *signed) { s.value = []byte("saw") }),
			"expired":               with(ada, func(s *signed) { s.expires = uint64(time.Now().Unix()) }),
			"another kind":          with(ada, func(s *signed) { s.kind = 2 }),
			"a tombstone with row":  with(ada, func(s *signed) { s.kind = 1 }),
			"a padded number":       with(ada, func(s *signed) { s.pad = true }),
			"another domain":        with(ada, func(s *signed) { s.domain = "libp2p-peer-record" }),
			"another payload":       with(ada, func(s *signed) { s.codec = "/other" }),
			"more in the envelope":  append(seal(t, ada, fine), 0x7a, 1, 'x'),
			"cut short":             good[:len(good)-1],
			"too large":             with(ada, func(s *signed) { s.value = value(t, Offers, Offer{ada.id, 1, strings.Repeat("x", 64<<10), 5}) }),
		} {
			err := take(t, r, ada.recordKey(1), data)
			if !errors.Is(err, models.ErrInvalid) && !(name == "too large" && errors.Is(err, models.ErrTooLarge)) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := take(t, r, ada.recordKey(1), seal(t, ada, fine)); err != nil {
			t.Errorf("what all of these come from: %v", err)
		}
		for name, data := range map[string][]byte{"replayed": good, "the tombstone of an older one": tombstone(t, ada, 1, 98)} {
			if err := take(t, r, ada.recordKey(1), data); !errors.Is(err, record.ErrOldRecord) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if found := titles(t, store, "saw"); len(found) != 1 || len(titles(t, store, "hammer")) != 0 {
			t.Errorf("the index finds %+v", found)
		}

		// Once it is taken back it stays so.
		if err := take(t, r, ada.recordKey(1), tombstone(t, ada, 1, 99)); err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"replayed": good, "replayed, the last": seal(t, ada, fine)} {
			if err := take(t, r, ada.recordKey(1), data); !errors.Is(err, record.ErrOldRecord) {
				t.Errorf("%s after the tombstone: %v", name, err)
			}
		}
		if n, err := Offers.Count(context.Background(), store, models.Range[OfferKey]{}); err != nil || n != 0 {
			t.Errorf("%d offers are left, %v", n, err)
		}
		if got := mustGet(t, r, key); got == nil {
			t.Error("the tombstone is not served")
		}
		for v, err := range r.ValuesIn(context.Background(), "market.offer") {
			if err != nil || v.Data != nil {
				t.Errorf("the view has %+v, %v", v, err)
			}
		}
		if err := take(t, r, ada.recordKey(1), offer(t, ada, 1, 100, "axe")); err != nil {
			t.Errorf("a later offer: %v", err)
		}
		if found := titles(t, store, "axe"); len(found) != 1 {
			t.Errorf("the index finds %+v", found)
		}
		if usage := r.RecordUsage(); usage.Rows != 1 {
			t.Errorf("the usage is %+v", usage)
		}
	})
}

// Peers agree whatever the order in which they hear of the records of one key.
func TestSignedInAnyOrder(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		ada := newTrader(t)
		var all [][]byte
		for range 6 {
			sequence := 1 + random.Uint64N(3)
			if random.IntN(3) == 0 {
				all = append(all, tombstone(t, ada, 1, sequence))
			} else {
				all = append(all, offer(t, ada, 1, sequence, fmt.Sprint("title ", random.IntN(3))))
			}
		}
		var first []byte
		for i := range 4 {
			r, store := openRecords(t, memory.Engine(), market())
			for _, n := range random.Perm(len(all)) {
				if err := take(t, r, ada.recordKey(1), all[n]); err != nil && !errors.Is(err, record.ErrOldRecord) {
					t.Fatal(err)
				}
			}
			best, err := r.Validator().Select(ada.recordKey(1), all)
			if err != nil {
				t.Fatal(err)
			}
			got := mustGet(t, r, dsKey("market.offer", ada.recordKey(1)))
			if !bytes.Contains(got, all[best]) {
				t.Errorf("seed %d: held is %x, selected %x", seed, got, all[best])
			}
			if i == 0 {
				first = all[best]
			} else if !bytes.Equal(first, all[best]) {
				t.Errorf("seed %d: another is selected", seed)
			}
			verify(t, store)
		}
	}
}

func TestImmutable(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, eng engine.Engine) {
		ctx := context.Background()
		r, store := openRecords(t, eng, market())
		p := Photo{Title: "a cat", Data: []byte{1, 2, 3}}
		if err := record.Identify(Photos, &p); err != nil {
			t.Fatal(err)
		}
		v := value(t, Photos, p)
		if p.ID != sha256.Sum256(v) || p.Title != "a cat" {
			t.Fatalf("identified is %+v", p)
		}
		key := fmt.Sprintf("/market.photo/%x", sha256.Sum256(v))
		if key != record.Key(Photos, p.ID) {
			t.Errorf("the record key is %s", record.Key(Photos, p.ID))
		}
		for name, data := range map[string][]byte{
			"another photo": value(t, Photos, Photo{Title: "a dog"}),
			"no CBOR":       []byte("cat"),
			"nothing":       {},
		} {
			if err := take(t, r, key, data); !errors.Is(err, models.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Also what has the hash has to be a photo.
		odd := []byte("\xa1\x65Title\x01")
		if err := take(t, r, fmt.Sprintf("/market.photo/%x", sha256.Sum256(odd)), odd); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("no photo: %v", err)
		}
		for range 2 {
			if err := take(t, r, key, v); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := Photos.Get(ctx, store, p.ID); err != nil || got.Title != "a cat" || got.ID != p.ID {
			t.Errorf("the row is %+v, %v", got, err)
		}
		if n, err := PhotoByTitle.Count(ctx, store, models.Only("a cat")); err != nil || n != 1 {
			t.Errorf("the index has %d, %v", n, err)
		}
	})
}

// A tree whose policy does not fit it is refused by name, with what to do.
func TestPoliciesThatDoNotFit(t *testing.T) {
	byNumber := func(u *User) uint64 { return u.ID }
	byPeer := func(p *Profile) peer.ID { return p.Peer }
	byHash := func(p *Photo) record.Hash { return p.ID }
	for says, tree := range map[string]models.AnyTree{
		"models.WithPolicy": models.NewTree("local", models.Uint64, byNumber),
		"record.PeerKey":    models.NewTree("number", models.Uint64, byNumber, models.WithPolicy[User](models.Signed)),
		"signed":            models.NewTree("hash", record.HashKey, byHash, models.WithPolicy[Photo](models.Signed)),
		"record.HashKey":    models.NewTree("number", models.Uint64, byNumber, models.WithPolicy[User](models.Immutable)),
		"immutable":         models.NewTree("peer", record.PeerKey, byPeer, models.WithPolicy[Profile](models.Immutable)),
	} {
		d := models.NewDefinition("misfits", tree)
		_, err := record.Open(context.Background(), memory.Engine(), record.Options{Models: []*models.Definition{d}})
		if !errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), tree.Name()) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// Keys come back from text as they were, and in its order.
func TestPolicyKeys(t *testing.T) {
	ids := []peer.ID{"", "\x00", "\x00\x24", "a", "ab", "b", "\xff"}
	var texts []string
	for _, id := range ids {
		text := string(record.PeerKey.AppendText(nil, id))
		texts = append(texts, text)
		if got, err := record.PeerKey.ParseText(text); err != nil || got != id {
			t.Errorf("%q is %q, which is %q, %v", id, text, got, err)
		}
		if got, rest, err := record.PeerKey.Decode(append(record.PeerKey.Append(nil, id), "rest"...)); err != nil || got != id || string(rest) != "rest" {
			t.Errorf("%q: %q, %q, %v", id, got, rest, err)
		}
	}
	if !slices.IsSorted(texts) {
		t.Errorf("the texts %q are out of order", texts)
	}
	for _, text := range []string{"", "0", "0G", "AB", "zz", "--"} {
		if _, err := record.PeerKey.ParseText(text); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("peer %q: %v", text, err)
		}
		if _, err := record.HashKey.ParseText(text); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("hash %q: %v", text, err)
		}
	}
	h := record.Hash{1, 2}
	if got, err := record.HashKey.ParseText(h.String()); err != nil || got != h {
		t.Errorf("%v is %v, %v", h, got, err)
	}
	for _, size := range []int{0, 31, 33} {
		if _, err := record.HashKey.DecodeLast(make([]byte, size)); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("a hash of %d bytes: %v", size, err)
		}
	}
}

func TestPublishSigned(t *testing.T) {
	ctx := context.Background()
	a, b, c := newNodeWith(t, memory.Engine(), market()), newNodeWith(t, memory.Engine(), market()), newNodeWith(t, memory.Engine(), market())
	connect(t, a.dht, b.dht, c.dht)
	o := Offer{a.host.ID(), 1, "hammer", 5}
	if _, err := record.Publish(ctx, a.node, Offers, &o); err != nil {
		t.Fatal(err)
	}
	key := models.MakePair(o.Seller, o.Number)
	for name, n := range map[string]*node{"a": a, "b": b, "c": c} {
		if got, err := record.Resolve(ctx, n.node, Offers, key); err != nil || got != o {
			t.Errorf("%s resolves %+v, %v", name, got, err)
		}
		if found := titles(t, n.store, "hammer"); len(found) != 1 {
			t.Errorf("%s has %+v", name, found)
		}
	}
	if _, err := record.Publish(ctx, b.node, Offers, &o); !errors.Is(err, record.ErrNotOwner) {
		t.Errorf("another peer publishes: %v", err)
	}
	if _, err := record.Retract(ctx, b.node, Offers, key); !errors.Is(err, record.ErrNotOwner) {
		t.Errorf("another peer retracts: %v", err)
	}
	o.Title = "axe"
	if _, err := record.Publish(ctx, a.node, Offers, &o); err != nil {
		t.Fatal(err)
	}
	if got, err := record.Resolve(ctx, c.node, Offers, key); err != nil || got != o {
		t.Errorf("resolved %+v, %v", got, err)
	}
	if _, err := record.Retract(ctx, a.node, Offers, key); err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]*node{"a": a, "b": b, "c": c} {
		if got, err := record.Resolve(ctx, n.node, Offers, key); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("%s resolves %+v, %v", name, got, err)
		}
		if found := titles(t, n.store, "axe"); len(found) != 0 {
			t.Errorf("%s has %+v", name, found)
		}
	}
	o.Title = "saw"
	if _, err := record.Publish(ctx, a.node, Offers, &o); err != nil {
		t.Fatal(err)
	}
	if got, err := record.Resolve(ctx, b.node, Offers, key); err != nil || got != o {
		t.Errorf("after all: %+v, %v", got, err)
	}

	p := Photo{Title: "a cat"}
	if _, err := record.Publish(ctx, a.node, Photos, &p); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("without its hash a photo is published: %v", err)
	}
	if err := record.Identify(Photos, &p); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Publish(ctx, a.node, Photos, &p); err != nil {
		t.Fatal(err)
	}
	if got, err := record.Resolve(ctx, b.node, Photos, p.ID); err != nil || got.Title != p.Title {
		t.Errorf("resolved %+v, %v", got, err)
	}
	if _, err := record.Retract(ctx, a.node, Photos, p.ID); !errors.Is(err, models.ErrPolicy) {
		t.Errorf("a photo is retracted: %v", err)
	}
}

func TestPublishAll(t *testing.T) {
	ctx := context.Background()
	a, b := newNodeWith(t, memory.Engine(), market()), newNodeWith(t, memory.Engine(), market())
	connect(t, a.dht, b.dht)
	const n = 60
	offers := func(yield func(Offer) bool) {
		for i := range uint64(n) {
			o := Offer{a.host.ID(), i, fmt.Sprint("offer ", i), int64(i)}
			if i%20 == 7 {
				o.Seller = b.host.ID() // which this peer is not
			}
			if !yield(o) {
				return
			}
		}
	}
	var progress [2]int
	told := map[string]bool{}
	err := record.PublishAll(ctx, a.node, Offers, offers, record.Bulk{Concurrency: 4, Progress: func(done, failed int, err error) {
		progress = [2]int{done, failed}
		var where *models.Error
		if errors.As(err, &where) {
			told[where.Key] = true
		}
	}})
	var failed *record.BulkError
	if !errors.As(err, &failed) || failed.Done != n || failed.Failed != 3 || len(failed.Failures) != 3 || !errors.Is(err, record.ErrNotOwner) || progress != [2]int{n, 3} || len(told) != 3 {
		t.Fatalf("%v, progress %v, told of %v", err, progress, told)
	}
	keys := func(yield func(OfferKey) bool) {
		for i := range uint64(n) {
			if !yield(models.MakePair(a.host.ID(), i)) {
				return
			}
		}
	}
	found := map[uint64]Offer{}
	missing := 0
	for o, err := range record.ResolveAll(ctx, b.node, Offers, keys, record.Bulk{}) {
		if errors.Is(err, models.ErrNotFound) {
			missing++
		} else if err != nil {
			t.Error(err)
		} else {
			found[o.Number] = o
		}
	}
	if len(found) != n-3 || missing != 3 || found[11].Title != "offer 11" {
		t.Errorf("%d are found, %d missing: %v", len(found), missing, slices.Sorted(maps.Keys(found)))
	}
	for range record.ResolveAll(ctx, b.node, Offers, keys, record.Bulk{}) {
		break // and nothing is left running, which goleak sees
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := record.PublishAll(ended, a.node, Offers, offers, record.Bulk{}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// A watch of a tree has the changes that records make, and says where they come from: a record that
// comes again changes nothing.
func TestWatchOrigins(t *testing.T) {
	ctx := t.Context()
	opts := market()
	opts.Bounds.Records = 2
	r, store := openRecords(t, memory.Engine(), opts)
	ada := newTrader(t)
	changes, err := Offers.Watch(ctx, store, models.Range[OfferKey]{}, models.WatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range [][]byte{
		offer(t, ada, 1, 1, "one"), offer(t, ada, 1, 1, "one"), offer(t, ada, 1, 2, "two"), tombstone(t, ada, 1, 3),
	} {
		if err := take(t, r, ada.recordKey(1), data); err != nil {
			t.Fatal(i, err)
		}
	}
	for number := uint64(2); number <= 4; number++ {
		if err := take(t, r, ada.recordKey(number), offer(t, ada, number, 1, "more")); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	title := func(o *Offer) string {
		if o == nil {
			return "none"
		}
		return o.Title
	}
	for c, err := range changes {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d: %s, %s by %v", c.Key.Second, title(c.Old), title(c.New), c.Origin))
		if c.Origin == models.OriginEviction {
			break
		}
	}
	want := []string{
		"1: none, one by dht", "1: one, two by dht", "1: two, none by dht", "2: none, more by dht", "3: none, more by dht",
	}
	if len(got) < 6 || !slices.Equal(got[:5], want) || got[len(got)-1] != "2: more, none by eviction" {
		t.Errorf("the changes are %q", got)
	}
}

// A published record stays in the DHT, as the same record of the same number.
func TestRepublish(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	opts := market()
	opts.RepublishInterval = 200 * time.Millisecond
	a, b := newNodeWith(t, memory.Engine(), opts), newNodeWith(t, memory.Engine(), opts)
	o, p := Offer{a.host.ID(), 1, "hammer", 5}, Photo{Title: "a cat"}
	if err := record.Identify(Photos, &p); err != nil {
		t.Fatal(err)
	}
	// Nobody hears of these.
	if _, err := record.Publish(ctx, a.node, Offers, &o); err == nil {
		t.Error("a record is published to nobody")
	}
	if _, err := record.Publish(ctx, a.node, Photos, &p); err == nil {
		t.Error("a record is published to nobody")
	}
	before := sequence(t, a.store)
	ended := make(chan error)
	go func() { ended <- a.node.Republish(ctx) }()
	connect(t, a.dht, b.dht)
	eventually(t, "both come to the other peer", func() bool {
		_, err := Photos.Get(ctx, b.store, p.ID)
		return err == nil && len(titles(t, b.store, "hammer")) == 1
	})
	if err := b.records.Delete(ctx, dsKey("market.photo", record.Key(Photos, p.ID))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what is lost comes again", func() bool {
		_, err := Photos.Get(ctx, b.store, p.ID)
		return err == nil
	})
	if after := sequence(t, a.store); after != before {
		t.Errorf("the sequence number is %d, it was %d", after, before)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Republish ends with %v", err)
	}
}

// sequence is the number of the one record that a store has sealed.
func sequence(t testing.TB, store *datastore.Store) uint64 {
	t.Helper()
	for s, err := range receipts.Signatures.All(context.Background(), store) {
		if err != nil {
			t.Fatal(err)
		}
		return s.Sequence
	}
	t.Fatal("there is no seal")
	return 0
}

// Whatever the bytes of an envelope, they are refused or taken as they are.
func FuzzSigned(f *testing.F) {
	ada := newTrader(f)
	r, store := openRecords(f, memory.Engine(), market())
	key := ada.recordKey(1)
	for _, data := range [][]byte{offer(f, ada, 1, 5, "hammer"), tombstone(f, ada, 1, 6), nil, {0x0a}} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var err error
		alloctest.Bound(t, len(data), func() { err = take(t, r, key, data) })
		if err != nil {
			return
		}
		if got := mustGet(t, r, dsKey("market.offer", key)); !bytes.Contains(got, data) {
			t.Errorf("served is %x, put was %x", got, data)
		}
		verify(t, store)
	})
}
