package record_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/merge"
	"github.com/newsnet-africa/netabase-go/record"
)

// Peers of which random halves are cut off from each other, write what they like, and sync within
// their halves, have the same bytes once they have met again: pages, of which the newest wins, and sheets, which
// are merged, so that every count and every note is in the end. Every third peer has an earlier model of sheets.
// NETABASE_PARTITIONS says for how long 24 of them do it, "10m" say; otherwise a few do it a few times.
func TestSyncPartitions(t *testing.T) {
	peers, end := 6, time.Time{}
	if text := os.Getenv("NETABASE_PARTITIONS"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		peers, end = 24, time.Now().Add(d)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	net := &syncNetwork{random: rand.New(rand.NewPCG(seed, 0)), counted: map[uint64]uint64{}, notes: map[uint64]merge.Set[string]{}}
	for i := range peers {
		net.add(t, i)
	}
	for _, a := range net.members {
		for _, b := range net.members {
			meet(a.node, b.node)
		}
	}
	round, turns := 0, 0
	for ; round < 3 || time.Now().Before(end); round++ {
		net.partition(t, round)
		// There and back again, each has what every other has, unless it has come past one with the earlier
		// model, which has one peer's notes and not those of two. These need more turns.
		for turn := 1; turn == 1 || turn < peers && net.differs(t) != ""; turn++ {
			for i := 1; i < peers; i++ {
				net.sync(t, net.members[i-1], net.members[i], record.Both)
			}
			for i := peers - 1; i > 0; i-- {
				net.sync(t, net.members[i-1], net.members[i], record.Both)
			}
			turns = max(turns, turn)
		}
		net.compare(t, round)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d rounds, %d syncs, at most %d turns until all had the same", round, net.syncs, turns)
}

// syncNetwork are peers that sync pages and sheets.
type syncNetwork struct {
	random  *rand.Rand
	members []*syncMember
	// counted and notes are what all have added to the sheets.
	counted map[uint64]uint64
	notes   map[uint64]merge.Set[string]
	syncs   int
}

type syncMember struct {
	member
	node *node
}

func (net *syncNetwork) add(t *testing.T, i int) {
	m := &syncMember{member: member{name: strconv.Itoa(i), older: i%3 == 2, raw: sheets2.Raw()}}
	opts := library()
	if m.older {
		m.raw = sheets1.Raw()
		opts.Models = append(opts.Models, office1)
	} else {
		opts.Models = append(opts.Models, office2)
	}
	m.node = newNodeWith(t, memory.Engine(), opts, dht.RoutingTableFilter(func(any, peer.ID) bool { return false }))
	m.records, m.store = m.node.records, m.node.store
	net.members = append(net.members, m)
}

func (net *syncNetwork) sync(t *testing.T, a, b *syncMember, d record.Direction) {
	mustSync(t, a.node, b.node, AllPages, d)
	mustSync(t, a.node, b.node, allSheets, d)
	net.syncs += 2
}

// partition has both halves write and sync.
func (net *syncNetwork) partition(t *testing.T, round int) {
	all, r := net.members, net.random
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, half := range [][]*syncMember{all[:len(all)/2], all[len(all)/2:]} {
		for range 4 * len(half) {
			n := half[r.IntN(len(half))]
			putPages(t, n.node, uint64(r.IntN(4*round+4)), uint64(r.IntN(300)), uint64(r.IntN(300)))
			for range 1 + r.IntN(3) {
				n, id := half[r.IntN(len(half))], r.Uint64N(40)
				counted, note := n.edit(t, r, id)
				if net.counted[id] += counted; note != "" {
					notes := net.notes[id]
					notes.Add(note)
					net.notes[id] = notes
				}
			}
			if a, b := half[r.IntN(len(half))], half[r.IntN(len(half))]; a != b {
				net.sync(t, a, b, record.Direction(1+r.IntN(3)))
			}
		}
	}
}

// differs returns how a row of a peer differs from that of the first one, or nothing if all have the same.
func (net *syncNetwork) differs(t *testing.T) string {
	first := net.members[0]
	for _, n := range net.members[1:] {
		for _, trees := range [][2]*models.Raw{{first.raw, n.raw}, {Pages.Raw(), Pages.Raw()}} {
			want, got := valuesOf(t, trees[0], first.store), valuesOf(t, trees[1], n.store)
			for key := range maps.Keys(want) {
				if got[key] != want[key] {
					return fmt.Sprintf("row %x of %s: peer %s has %x, and %s has %x", key, trees[0].Name(), n.name, got[key],
						first.name, want[key])
				}
			}
			if len(got) != len(want) {
				return fmt.Sprintf("peer %s has %d rows of %s, and %s has %d", n.name, len(got), trees[0].Name(), first.name, len(want))
			}
		}
	}
	return ""
}

// compare compares all rows of all peers, and the sheets with what all have added.
func (net *syncNetwork) compare(t *testing.T, round int) {
	if what := net.differs(t); what != "" {
		t.Errorf("round %d: %s", round, what)
	}
	var newer *syncMember
	for _, n := range net.members {
		if !n.older {
			newer = n
		}
	}
	for id, counted := range net.counted {
		s, err := sheets2.Get(t.Context(), newer.store, id)
		if err != nil {
			t.Fatal(err)
		}
		if s.Visits.Value() != counted || fmt.Sprint(s.Notes) != fmt.Sprint(net.notes[id]) {
			t.Errorf("round %d: sheet %d has %d visits and the notes %v, want %d and %v", round, id, s.Visits.Value(), s.Notes,
				counted, net.notes[id])
		}
	}
}

// valuesOf are the values of all rows of a tree.
func valuesOf(t testing.TB, tree *models.Raw, store *datastore.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for key, err := range tree.Keys(t.Context(), store, models.Range[[]byte]{}) {
		if err != nil {
			t.Fatal(err)
		}
		value, _, err := tree.Find(t.Context(), store, key)
		if err != nil {
			t.Fatal(err)
		}
		all[string(key)] = string(value)
	}
	return all
}
