package record_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/merge"
	"github.com/newsnet-africa/netabase-go/record"
)

// sheet1 is the earlier model of sheet2. It does not have the notes.
type sheet1 struct {
	ID     uint64
	Title  merge.Register[string]
	Visits merge.Counter
	Tags   merge.AddRemoveSet[string]
}

type sheet2 struct {
	ID     uint64
	Title  merge.Register[string]
	Visits merge.Counter
	Tags   merge.AddRemoveSet[string]
	Notes  merge.Set[string]
}

func mergeSheets1(a, b *sheet1) sheet1 {
	return sheet1{a.ID, a.Title.Merge(b.Title), a.Visits.Merge(b.Visits), a.Tags.Merge(b.Tags)}
}

func mergeSheets2(a, b *sheet2) sheet2 {
	return sheet2{a.ID, a.Title.Merge(b.Title), a.Visits.Merge(b.Visits), a.Tags.Merge(b.Tags), a.Notes.Merge(b.Notes)}
}

var (
	sheets1 = models.NewTree("sheet", models.Uint64, func(s *sheet1) uint64 { return s.ID },
		models.WithPolicy[sheet1](models.Open), models.WithMerge(mergeSheets1))
	sheets2 = models.NewTree("sheet", models.Uint64, func(s *sheet2) uint64 { return s.ID },
		models.WithPolicy[sheet2](models.Open), models.WithMerge(mergeSheets2))
	_                = models.NewTopic(sheets1, "all", nil)
	allSheets        = models.NewTopic(sheets2, "all", nil)
	office1, office2 = models.NewDefinition("office", sheets1), models.NewDefinition("office", sheets2)
)

// member is a peer of a network that is in the memory of the test.
type member struct {
	name    string
	raw     *models.Raw
	records *record.Records
	store   *datastore.Store
	// older says that its model is sheet1.
	older bool
}

// edit makes a random change of a row in the store of a peer, and returns how much it has counted and
// what it has noted.
func (m *member) edit(t *testing.T, rnd *rand.Rand, id uint64) (counted uint64, note string) {
	change := func(title *merge.Register[string], visits *merge.Counter, tags *merge.AddRemoveSet[string]) {
		switch tag := strconv.Itoa(rnd.IntN(5)); rnd.IntN(4) {
		case 0:
			title.Set(m.name, time.UnixMicro(rnd.Int64N(20)))
		case 1:
			counted = rnd.Uint64N(5)
			visits.Add(m.name, counted)
		case 2:
			tags.Add(m.name, tag)
		default:
			tags.Remove(tag)
		}
	}
	var err error
	if m.older {
		err = sheets1.Upsert(t.Context(), m.store, id, func(s *sheet1, _ bool) (bool, error) {
			s.ID = id
			change(&s.Title, &s.Visits, &s.Tags)
			return true, nil
		})
	} else {
		err = sheets2.Upsert(t.Context(), m.store, id, func(s *sheet2, _ bool) (bool, error) {
			s.ID = id
			change(&s.Title, &s.Visits, &s.Tags)
			if rnd.IntN(4) == 0 {
				note = fmt.Sprint(m.name, rnd.IntN(100))
				s.Notes.Add(note)
			}
			return true, nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return counted, note
}

// row returns the value of a peer's row, nil without one.
func (m *member) row(t *testing.T, id uint64) []byte {
	value, _, err := m.raw.Find(t.Context(), m.store, sheets2.EncodeKey(id))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// hear gives a record to a peer.
func (m *member) hear(t *testing.T, id uint64, value []byte) {
	if value == nil {
		return
	}
	if err := take(t, m.records, record.Key(sheets2, id), value); err != nil {
		t.Fatalf("%s: %v", m.name, err)
	}
}

// mergeRounds, set in the environment, is how many networks TestPartitions has.
const mergeRounds = "NETABASE_MERGE_ROUNDS"

// Peers change rows while random groups of them are cut off from each other, and hear records late,
// twice, and in any order. Some have the model of an older program. When all have met, all have the same
// bytes, and nothing is lost.
func TestPartitions(t *testing.T) {
	rounds := 5
	if text := os.Getenv(mergeRounds); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for range rounds {
		seed := rand.Uint64()
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { partitions(t, rand.New(rand.NewPCG(seed, 0))) })
	}
}

func partitions(t *testing.T, rnd *rand.Rand) {
	const ids = 2
	members := make([]*member, 6)
	for i := range members {
		m := &member{name: strconv.Itoa(i), older: i%3 == 2, raw: sheets2.Raw()}
		d := office2
		if m.older {
			m.raw, d = sheets1.Raw(), office1
		}
		m.records, m.store = openRecords(t, memory.Engine(), optionsOf(d))
		members[i] = m
	}
	type said struct {
		id    uint64
		value []byte
	}
	var counted [ids]uint64
	var heard []said // that may be heard again
	notes := [ids]merge.Set[string]{}
	group := make([]int, len(members))
	for step := range 400 {
		if step%50 == 0 { // cut the network in other ways
			for i := range group {
				group[i] = rnd.IntN(3)
			}
		}
		i, j, id := rnd.IntN(len(members)), rnd.IntN(len(members)), rnd.Uint64N(ids)
		switch {
		case rnd.IntN(3) == 0:
			n, note := members[i].edit(t, rnd, id)
			if counted[id] += n; note != "" {
				notes[id].Add(note)
			}
		case group[i] == group[j]:
			value := members[i].row(t, id)
			members[j].hear(t, id, value)
			heard = append(heard, said{id, value})
		case len(heard) > 0 && rnd.IntN(4) == 0:
			s := heard[rnd.IntN(len(heard))]
			members[j].hear(t, s.id, s.value)
		}
	}
	for id := range uint64(ids) {
		first := members[0]
		for _, k := range rnd.Perm(len(members)) {
			first.hear(t, id, members[k].row(t, id))
		}
		for _, m := range members {
			m.hear(t, id, first.row(t, id))
			if got, want := m.row(t, id), first.row(t, id); !bytes.Equal(got, want) {
				t.Errorf("row %d of %s is %x, and of %s %x", id, m.name, got, first.name, want)
			}
		}
		s, err := sheets2.Get(t.Context(), first.store, id)
		if err != nil {
			t.Fatal(err)
		}
		if s.Visits.Value() != counted[id] || fmt.Sprint(s.Notes) != fmt.Sprint(notes[id]) {
			t.Errorf("row %d has %d visits and the notes %v, want %d and %v", id, s.Visits.Value(), s.Notes,
				counted[id], notes[id])
		}
	}
}
