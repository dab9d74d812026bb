package interop_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// Notice is a row of an open tree whose deletions travel.
type Notice struct {
	ID   uint64 `cbor:"id" json:"id"`
	At   uint64 `cbor:"at" json:"at"`
	Text string `cbor:"text" json:"text"`
}

// tombstoneAge is that of js/shop.mjs, too.
const tombstoneAge = 24 * time.Hour

var (
	Notices = models.NewTree("notice", models.Uint64, func(n *Notice) uint64 { return n.ID },
		models.WithClock(func(n *Notice) uint64 { return n.At }), models.WithPolicy[Notice](models.Open),
		models.WithTombstones[Notice](tombstoneAge, time.Second))
	AllNotices = models.NewTopic(Notices, "all", nil)
	Board      = models.NewDefinition("board", Notices)
)

// board is what our peer and another hold of the notices.
type board struct {
	t     *testing.T
	other foreign
	ours  *peer
	// at is the clock of the notices that are put first.
	at uint64
}

// command is a command about the notices.
func command(do string, more map[string]any) map[string]any {
	command := map[string]any{"do": do, "topic": AllNotices.Name()}
	for name, value := range more {
		command[name] = value
	}
	return command
}

func (b *board) put(ids ...uint64) {
	b.t.Helper()
	for _, id := range ids {
		if err := Notices.Put(b.t.Context(), b.ours.store, &Notice{id, b.at, "a notice"}); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *board) deleteHere(id uint64) {
	b.t.Helper()
	if err := Notices.Delete(b.t.Context(), b.ours.store, id); err != nil {
		b.t.Fatal(err)
	}
}

func (b *board) deleteThere(id uint64) {
	b.t.Helper()
	must[any](b.t, b.other, command("delete", map[string]any{"id": id}))
}

func (b *board) here() (ids []uint64) {
	b.t.Helper()
	for notice, err := range Notices.Range(b.t.Context(), b.ours.store, all) {
		if err != nil {
			b.t.Fatal(err)
		}
		ids = append(ids, notice.ID)
	}
	return ids
}

func (b *board) there() (ids []uint64) {
	b.t.Helper()
	for _, notice := range must[[]Notice](b.t, b.other, command("held", nil)) {
		ids = append(ids, notice.ID)
	}
	return ids
}

// check compares what both hold.
func (b *board) check(when string, here, there []uint64) {
	b.t.Helper()
	if got := b.here(); !slices.Equal(got, here) {
		b.t.Errorf("%s: ours has %d, want %d", when, got, here)
	}
	if got := b.there(); !slices.Equal(got, there) {
		b.t.Errorf("%s: the page has %d, want %d", when, got, there)
	}
}

// deleteNotices has deletions of our peer and of another come to the other side by sync, whoever begins it and in
// which direction it goes.
func deleteNotices(t *testing.T, other foreign, ours *peer) {
	meet(t, other, ours)
	b := &board{t, other, ours, uint64(time.Now().Unix())}
	type synced struct {
		Listed, Wanted, Asked, Offered int
		Ages                           []int
	}
	theirs := func(way string) synced {
		t.Helper()
		return must[synced](t, other, command("sync", map[string]any{"way": way}))
	}
	sync := func(direction record.Direction) record.SyncReport {
		t.Helper()
		id, err := libp2ppeer.Decode(must[string](t, other, map[string]any{"do": "self"}))
		if err != nil {
			t.Fatal(err)
		}
		report, err := ours.node.Sync(t.Context(), id, AllNotices.Name(), record.SyncOptions{Direction: direction})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	b.put(1, 2, 3, 4, 5, 6, 7, 8, 9)
	if got := theirs("pull"); got.Listed != 9 {
		t.Errorf("the page has done %+v", got)
	}

	// The page begins: it only pulls, and asks.
	b.deleteHere(1)
	if got := theirs("pull"); got.Asked != 1 {
		t.Errorf("the page has done %+v", got)
	}
	b.check("the page pulls", []uint64{2, 3, 4, 5, 6, 7, 8, 9}, []uint64{2, 3, 4, 5, 6, 7, 8, 9})
	// Both ways: it offers a row, and gets the tombstone; it gets a row, and gives the tombstone.
	b.deleteHere(2)
	b.deleteThere(3)
	if got := theirs("both"); got.Wanted != 1 || got.Offered != 1 {
		t.Errorf("the page has done %+v", got)
	}
	b.check("the page syncs", []uint64{4, 5, 6, 7, 8, 9}, []uint64{4, 5, 6, 7, 8, 9})

	// Ours begins, by the same ways.
	b.deleteThere(4)
	if report := sync(record.Pull); report.Pulled.Taken != 1 {
		t.Errorf("ours has pulled %+v", report.Pulled)
	}
	b.check("ours pulls", []uint64{5, 6, 7, 8, 9}, []uint64{5, 6, 7, 8, 9})
	b.deleteHere(5)
	b.deleteThere(6)
	if report := sync(record.Both); report.Pulled.Taken != 1 || report.Pushed.Taken != 1 {
		t.Errorf("ours has pulled %+v and pushed %+v", report.Pulled, report.Pushed)
	}
	b.check("ours syncs", []uint64{7, 8, 9}, []uint64{7, 8, 9})

	// Who only pushes brings no deletion, and gets none.
	b.deleteHere(7)
	b.deleteThere(8)
	theirs("push")
	if report := sync(record.Push); report.Pushed.Refused["old"] != 1 {
		t.Errorf("ours has pushed %+v", report.Pushed)
	}
	b.check("both push", []uint64{8, 9}, []uint64{7, 9})
	theirs("both")
	b.check("after all", []uint64{9}, []uint64{9})

	// A row of the same clock does not come back, and a newer one does.
	b.put(1)
	theirs("both")
	b.check("a row is put again", []uint64{9}, []uint64{9})
	b.at++
	b.put(1)
	theirs("pull")
	hold := func(id, at uint64) {
		t.Helper()
		later := map[string]any{"item": map[string]any{"id": id, "at": at, "text": "a later notice"}}
		if !must[bool](t, other, command("hold", later)) {
			t.Errorf("the page refuses notice %d", id)
		}
	}
	hold(2, b.at)
	sync(record.Pull)
	b.check("later rows", []uint64{1, 2, 9}, []uint64{1, 2, 9})

	// The age of a tombstone counts from the deletion: ours gets one of 23 hours, and gives it so.
	pass := func(time time.Duration) {
		t.Helper()
		must[any](t, other, command("pass", map[string]any{"seconds": time.Seconds()}))
	}
	b.deleteThere(1)
	pass(tombstoneAge - time.Hour)
	sync(record.Pull)
	b.check("an old tombstone", []uint64{2, 9}, []uint64{2, 9})
	hold(1, b.at+1)
	const least = int((tombstoneAge - time.Hour) / time.Second)
	if got := theirs("pull"); len(got.Ages) != 1 || got.Ages[0] < least || got.Ages[0] > least+600 {
		t.Errorf("the page has got a tombstone of the age %d", got.Ages)
	}

	// When the age has passed, a tombstone is dropped, and the page takes no row as old as that.
	b.deleteThere(9)
	pass(tombstoneAge)
	if report := sync(record.Both); report.Pushed.Refused["old"] != 1 || report.Pulled.Taken != 1 {
		t.Errorf("ours has pulled %+v and pushed %+v", report.Pulled, report.Pushed)
	}
	b.check("a tombstone is dropped", []uint64{1, 2, 9}, []uint64{1, 2})

	// Another peer gets a tombstone of 23 hours, and drops it an hour later. The row is newer than that deletion
	// says it can be, so it comes back.
	b.deleteThere(2)
	pass(tombstoneAge - time.Hour)
	sync(record.Pull)
	b.check("an old tombstone", []uint64{1, 9}, []uint64{1})
	other.(jsPage).Reload()
	meet(t, other, ours)
	hold(2, b.at)
	if got := theirs("pull"); len(got.Ages) != 1 || got.Ages[0] < least {
		t.Errorf("another page has got a tombstone of the age %d", got.Ages)
	}
	pass(time.Hour)
	b.put(2)
	sync(record.Both)
	b.check("it is dropped there", []uint64{1, 2, 9}, []uint64{1, 2, 9})
}

// gossipDeletions has our peer and another tell each other of what they delete.
func gossipDeletions(t *testing.T, other foreign, ours *peer) {
	gossip(t, other, ours, AllNotices.Name())
	b := &board{t, other, ours, uint64(time.Now().Unix())}
	b.put(1, 2, 3)
	eventually(t, "the page has all notices", func() bool { return len(b.there()) == 3 })
	b.deleteHere(1)
	eventually(t, "the page has lost the first one", func() bool { return reflect.DeepEqual(b.there(), []uint64{2, 3}) })
	must[any](t, other, command("delete", map[string]any{"id": 2, "tell": true}))
	eventually(t, "ours has lost the second one", func() bool { return reflect.DeepEqual(b.here(), []uint64{3}) })
}
