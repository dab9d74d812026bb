package record_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"math"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
	"github.com/newsnet-africa/netabase-go/record/internal/syncing"
)

// liar answers each turn of a sync by what it is told, as the responder.
type liar func(q *syncing.Request) []syncing.Message

// answerWith makes the host of a peer answer syncs by lying.
func answerWith(n *node, lie liar) {
	n.host.SetStreamHandler(record.SyncProtocol, func(s network.Stream) {
		defer s.Close()
		in, out := syncing.NewReader(s, 1<<20), syncing.NewWriter(s)
		for {
			q, err := syncing.ReadRequest(in)
			if err != nil {
				return
			}
			for _, m := range lie(&q) {
				out.Write(&m)
			}
			if out.End() != nil {
				return
			}
		}
	})
}

// lists is a message of Negentropy that lists ids as all that a peer has.
func lists(ids ...[32]byte) syncing.Message {
	message := []byte{0x61, 0, 0, 2}
	if len(ids) >= 128 {
		message = append(message, 0x80|byte(len(ids)>>7))
	}
	message = append(message, byte(len(ids)&0x7f))
	for _, id := range ids {
		message = append(message, id[:]...)
	}
	return syncing.Message{Kind: syncing.Reconcile, Bytes: message}
}

func randomID() (id [32]byte) {
	_, _ = rand.Read(id[:]) // which never fails
	return id
}

// pageRow is the record of a page as it travels.
func pageRow(t testing.TB, p Page) syncing.Row {
	t.Helper()
	_, value, err := Pages.Encode(&p)
	if err != nil {
		t.Fatal(err)
	}
	return syncing.Row{Key: Pages.PathText(p.ID), Value: value}
}

// A peer that lies to an initiator is found out, and nothing that nobody asked for is stored.
func TestSyncWithLiars(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	putPages(t, a, 1, upTo(1, 100)...)
	before := len(versions(t, a))
	page := pageRow(t, Page{ID: 1000, Text: "nobody asked for it", Version: 9})
	round := byte(0)
	for name, lie := range map[string]liar{
		"a record that nobody asked for": func(q *syncing.Request) (all []syncing.Message) {
			for range q.Want {
				all = append(all, syncing.Message{Kind: syncing.Record, Row: page})
			}
			if q.Reconcile != nil {
				all = append(all, lists(randomID()))
			}
			return all
		},
		"a record more than was asked for": func(*syncing.Request) []syncing.Message {
			return []syncing.Message{{Kind: syncing.Record, Row: page}, lists()}
		},
		"no answer": func(*syncing.Request) []syncing.Message { return nil },
		"false fingerprints": func(*syncing.Request) []syncing.Message {
			round++
			message := append([]byte{0x61, 0, 0, 1, round}, make([]byte, 15)...)
			return []syncing.Message{{Kind: syncing.Reconcile, Bytes: message}}
		},
		"endless ranges": func(*syncing.Request) []syncing.Message {
			message := []byte{0x61}
			for i := 1; i < 1000; i++ { // ranges up to a prefix of 16 bits each, with a fingerprint that nothing has
				id := randomID()
				message = append(append(message, 1, 2, byte(i>>2), byte(i<<6), 1), id[:16]...)
			}
			return []syncing.Message{{Kind: syncing.Reconcile, Bytes: message}}
		},
		"a malformed message": func(*syncing.Request) []syncing.Message {
			return []syncing.Message{{Kind: syncing.Reconcile, Bytes: []byte{0x61, 9, 9, 9}}}
		},
		"endless ids that it does not have": func(q *syncing.Request) (all []syncing.Message) {
			for range q.Want {
				all = append(all, syncing.Message{Kind: syncing.None})
			}
			if q.Reconcile != nil {
				var ids [][32]byte
				for range 1000 {
					ids = append(ids, randomID())
				}
				all = append(all, lists(ids...))
			}
			return all
		},
		"it puts off everything": func(q *syncing.Request) (all []syncing.Message) {
			for range q.Want {
				all = append(all, syncing.Message{Kind: syncing.Later})
			}
			if q.Reconcile != nil {
				all = append(all, lists(randomID()))
			}
			return all
		},
		"a list that nobody asked for": func(*syncing.Request) []syncing.Message {
			return []syncing.Message{{Kind: syncing.Record, Row: page}, {Kind: syncing.Listed}, lists()}
		},
		"its own kind of message": func(*syncing.Request) []syncing.Message {
			return []syncing.Message{{Kind: 77}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			answerWith(b, lie)
			how := record.SyncOptions{Direction: record.Pull}
			report, err := a.node.Sync(t.Context(), b.host.ID(), AllPages.Name(), how)
			if !errors.Is(err, record.ErrMisbehaved) {
				t.Errorf("%v; the report is %+v", err, report)
			}
			if n := len(versions(t, a)); n != before {
				t.Errorf("there are %d pages, there were %d", n, before)
			}
		})
	}
}

// A peer that lies about a list is found out.
func TestSyncListLiars(t *testing.T) {
	forged := syncing.Row{Key: "00000000000000000001", Value: []byte("no page")}
	even := pageRow(t, Page{ID: 2, Version: 1})
	round := uint64(0)
	for name, lie := range map[string]liar{
		"it does not go on": func(*syncing.Request) []syncing.Message {
			return []syncing.Message{{Kind: syncing.Listed, Bytes: []byte(Pages.PathText(7))}}
		},
		"it goes back": func(*syncing.Request) []syncing.Message {
			round++
			return []syncing.Message{{Kind: syncing.Listed, Bytes: []byte(Pages.PathText(9 - round))}}
		},
		"no key": func(*syncing.Request) []syncing.Message {
			return []syncing.Message{{Kind: syncing.Listed, Bytes: []byte("x")}}
		},
		"forged records": func(*syncing.Request) (all []syncing.Message) {
			round++
			for range 100 {
				all = append(all, syncing.Message{Kind: syncing.Record, Row: forged})
			}
			return append(all, syncing.Message{Kind: syncing.Listed, Bytes: []byte(Pages.PathText(1000 + round))})
		},
		"rows of another topic": func(*syncing.Request) (all []syncing.Message) {
			round++
			for range 100 {
				all = append(all, syncing.Message{Kind: syncing.Record, Row: even})
			}
			return append(all, syncing.Message{Kind: syncing.Listed, Bytes: []byte(Pages.PathText(2000 + round))})
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
			meet(a, b)
			round = 0
			answerWith(b, lie)
			how := record.SyncOptions{Direction: record.Pull}
			report, err := a.node.Sync(t.Context(), b.host.ID(), OddPages.Name(), how)
			if !errors.Is(err, record.ErrMisbehaved) {
				t.Errorf("%v; the report is %+v", err, report)
			}
			if n := len(versions(t, a)); n != 0 {
				t.Errorf("there are %d pages", n)
			}
		})
	}
}

// A peer that lists without end and brings nothing is listed no further, and one that says it has any
// number of rows is not believed.
func TestSyncEmptyLists(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	asked := uint64(0)
	answerWith(b, func(q *syncing.Request) []syncing.Message {
		if q.List == nil {
			return []syncing.Message{lists()}
		}
		asked++
		return []syncing.Message{{Kind: syncing.Listed, Count: math.MaxUint64, Bytes: []byte(Pages.PathText(asked))}}
	})
	report := mustSync(t, a, b, AllPages, record.Pull)
	if asked != 16 || report.RoundTrips != 17 || report.ToPull != 0 {
		t.Errorf("%d lists; %+v", asked, report)
	}
}

// A peer that does not answer is given up.
func TestSyncStalls(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	a.records.SetSyncLimits(func(l *record.SyncLimits) { l.Patience = 100 * time.Millisecond })
	release := make(chan struct{})
	defer close(release)
	b.host.SetStreamHandler(record.SyncProtocol, func(s network.Stream) { <-release; _ = s.Reset() })
	_, err := a.node.Sync(t.Context(), b.host.ID(), AllPages.Name(), record.SyncOptions{})
	if !errors.Is(err, record.ErrStalled) {
		t.Error(err)
	}
}

// attack opens a session, sends bytes and reads the answer to its end.
func attack(t *testing.T, from, to *node, data []byte) (fail *syncing.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := from.host.NewStream(ctx, to.host.ID(), record.SyncProtocol)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Reset() }()
	_ = s.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := s.Write(data); err != nil {
		return nil // it has been reset
	}
	in := syncing.NewReader(s, 1<<20)
	for {
		m, err := in.Next()
		switch {
		case err == nil && m.Kind == syncing.Fail:
			return &m
		case err != nil:
			if errors.Is(err, io.EOF) {
				t.Error("the session has ended without a reason")
			}
			return nil
		}
	}
}

// A responder ends the session of a peer that misbehaves, and stores nothing that is invalid.
func TestSyncWithAttackers(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	open := func(d syncing.Direction, topic string) *syncing.Message {
		return &syncing.Message{Kind: syncing.Open, Direction: d, Topic: topic}
	}
	forged := make([]syncing.Row, 200)
	for i := range forged {
		forged[i] = syncing.Row{Key: Pages.PathText(uint64(i)), Value: []byte("no page")}
	}
	good := pageRow(t, Page{ID: 1, Version: 1})
	even := pageRow(t, Page{ID: 2, Version: 1})
	evens := make([]syncing.Row, 200)
	for i := range evens {
		evens[i] = even
	}
	all, odd, noKey := AllPages.Name(), OddPages.Name(), "x"
	for name, c := range map[string]struct {
		q     syncing.Request
		cause syncing.Cause
	}{
		"no topic":           {syncing.Request{Open: open(3, "library.page/none")}, syncing.NoTopic},
		"nothing opened":     {syncing.Request{Want: [][32]byte{{}}}, syncing.Misbehaved},
		"the wrong way":      {syncing.Request{Open: open(1, all), Offers: []syncing.Row{good}}, syncing.Misbehaved},
		"the other way":      {syncing.Request{Open: open(2, all), Want: [][32]byte{{}}}, syncing.Misbehaved},
		"forged records":     {syncing.Request{Open: open(3, all), Offers: forged}, syncing.Misbehaved},
		"rows not of it":     {syncing.Request{Open: open(3, odd), Offers: evens}, syncing.Misbehaved},
		"no key to list":     {syncing.Request{Open: open(3, all), List: &noKey}, syncing.Misbehaved},
		"a list to push":     {syncing.Request{Open: open(2, all), List: new(string)}, syncing.Misbehaved},
		"a key that is none": {syncing.Request{Open: open(3, all), Ask: []string{"x"}}, syncing.Misbehaved},
		"no Negentropy":      {syncing.Request{Open: open(3, all), Reconcile: []byte{0x61, 0}}, syncing.Misbehaved},
	} {
		if fail := attack(t, a, b, c.q.Append(nil)); fail == nil || fail.Cause != c.cause {
			t.Errorf("%s: %+v, want cause %d", name, fail, c.cause)
		}
	}
	garbage := make([]byte, 10_000)
	_, _ = rand.Read(garbage)
	garbage[0], garbage[1] = 1, 99
	if fail := attack(t, a, b, garbage); fail != nil && fail.Cause != syncing.Misbehaved {
		t.Errorf("garbage: %+v", fail)
	}
	if pages := versions(t, b); len(pages) != 0 {
		t.Errorf("there are pages: %v", pages)
	}
	if report := mustSync(t, a, b, AllPages, record.Both); report.RoundTrips != 2 {
		t.Errorf("afterwards: %+v", report)
	}
}

// halfATurn opens a session and sends the beginning of a message.
func halfATurn(t *testing.T, from, to *node) network.Stream {
	t.Helper()
	s, err := from.host.NewStream(t.Context(), to.host.ID(), record.SyncProtocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reset() })
	if _, err := s.Write([]byte{20}); err != nil {
		t.Fatal(err)
	}
	return s
}

// A peer has few sessions at once.
func TestSyncSessions(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	var open []network.Stream
	eventually(t, "one more session is refused", func() bool {
		open = append(open, halfATurn(t, a, b)) // which may itself be refused, if it comes last
		_, err := a.node.Sync(t.Context(), b.host.ID(), AllPages.Name(), record.SyncOptions{})
		return errors.Is(err, record.ErrBusy)
	})
	for _, s := range open {
		_ = s.Reset()
	}
	eventually(t, "a session is possible again", func() bool {
		_, err := a.node.Sync(t.Context(), b.host.ID(), AllPages.Name(), record.SyncOptions{})
		return err == nil
	})
}

// A session that stalls ends.
func TestSyncStalledSession(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(a, b)
	b.records.SetSyncLimits(func(l *record.SyncLimits) { l.Patience = 100 * time.Millisecond })
	s := halfATurn(t, a, b)
	_ = s.SetDeadline(time.Now().Add(20 * time.Second))
	var timeout net.Error
	if _, err := s.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the session goes on: %v", err)
	}
}

// A session that has used up its bytes is followed by another, which goes on where it has ended.
func TestSyncResumes(t *testing.T) {
	a, b := newReader(t, memory.Engine()), newReader(t, memory.Engine())
	meet(b, a)
	text := string(make([]byte, 2000))
	pages := make([]Page, 3000)
	for i := range pages {
		pages[i] = Page{ID: uint64(i), Text: text, Version: 1}
	}
	if err := Pages.PutMany(t.Context(), a.store, pages); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*node{a, b} {
		n.records.SetSyncLimits(func(l *record.SyncLimits) { l.Bytes = 1 << 20 })
	}
	if report := mustSync(t, b, a, AllPages, record.Pull); report.Pulled.Taken != 3000 {
		t.Errorf("%d are taken", report.Pulled.Taken)
	}
	if n, err := Pages.Count(t.Context(), b.store, models.Range[uint64]{}); err != nil || n != 3000 {
		t.Errorf("there are %d pages, %v", n, err)
	}
}
