package syncing_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/record/internal/syncing"
)

const maxValue = 64 << 10

func row(key string, value int) syncing.Row {
	return syncing.Row{Key: key, Age: 90 * time.Second, More: []byte{0xb8, 0x30, 7}, Value: make([]byte, value)}
}

func request() syncing.Request {
	return syncing.Request{
		Open:   &syncing.Message{Kind: syncing.Open, Topic: "blog.user/recent", Direction: syncing.Pull | syncing.Push},
		Offers: []syncing.Row{row("1", 3), row("2", maxValue-3)},
		Want:   [][32]byte{{1}, {2}, {3}},
		Ask:    []string{"3", "4"}, Reconcile: []byte{0x61, 0, 0, 0},
	}
}

// answers are messages that answer the request in full.
func answers() []syncing.Message {
	return []syncing.Message{
		{Kind: syncing.Verdict, Reason: syncing.Full},
		{Kind: syncing.Better, Row: row("2", 5)},
		{Kind: syncing.Record, Row: row("3", 7)},
		{Kind: syncing.None},
		{Kind: syncing.Later},
		{Kind: syncing.None},
		{Kind: syncing.Record, Row: syncing.Row{Key: "4", Value: []byte{1}, More: []byte{}}},
		{Kind: syncing.Reconcile, Bytes: []byte{0x61}},
		{Kind: syncing.End},
	}
}

func encode(all []syncing.Message) (data []byte) {
	for i := range all {
		data = all[i].Append(data)
	}
	return data
}

func reader(data []byte) *syncing.Reader { return syncing.NewReader(bytes.NewReader(data), maxValue) }

// A turn is read as it was written.
func TestRequest(t *testing.T) {
	want := request()
	first, key := "", "7"
	for _, q := range []syncing.Request{
		{}, want, {Want: want.Want}, {Offers: want.Offers}, {Open: want.Open, List: &first}, {List: &key},
	} {
		data := q.Append(nil)
		r := reader(data)
		got, err := syncing.ReadRequest(r)
		if err != nil || !reflect.DeepEqual(got, q) || r.Bytes != int64(len(data)) {
			t.Errorf("read %+v, %v; want %+v", got, err, q)
		}
		if _, err := syncing.ReadRequest(r); err != io.EOF {
			t.Errorf("behind it: %v", err)
		}
		for n := 1; n < len(data); n += 1 + n/8 {
			if _, err := syncing.ReadRequest(reader(data[:n])); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("cut at %d: %v", n, err)
			}
		}
	}
}

// An answer is read as it was written, and each answer that leaves something out, or says more than
// was asked, is refused.
func TestAnswer(t *testing.T) {
	q, all := request(), answers()
	a, err := syncing.ReadAnswer(reader(encode(all)), &q)
	if err != nil || len(a.Verdicts) != 2 || a.Verdicts[0].Reason != syncing.Full || a.Verdicts[1].Better.Key != "2" ||
		len(a.Wanted) != 3 || a.Wanted[0].Row.Key != "3" || a.Wanted[1] != (syncing.Found{}) || !a.Wanted[2].Later ||
		len(a.Asked) != 2 || a.Asked[1].Row.Key != "4" || len(a.Reconcile) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	for i := range all {
		without := slices.Delete(slices.Clone(all), i, i+1)
		_, err := syncing.ReadAnswer(reader(encode(without)), &q)
		if !errors.Is(err, syncing.ErrMessage) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("without message %d: %v", i, err)
		}
		twice := slices.Insert(slices.Clone(all), i, all[i])
		if _, err := syncing.ReadAnswer(reader(encode(twice)), &q); !errors.Is(err, syncing.ErrMessage) && i < len(all)-1 {
			t.Errorf("with message %d twice: %v", i, err)
		}
	}
	fail := encode([]syncing.Message{{Kind: syncing.Fail, Cause: syncing.Busy, Bytes: []byte("later")}})
	a, err = syncing.ReadAnswer(reader(fail), &q)
	if err != nil || a.Fail == nil || a.Fail.Cause != syncing.Busy || string(a.Fail.Bytes) != "later" {
		t.Errorf("%+v, %v", a, err)
	}
	many := syncing.Request{Want: make([][32]byte, 100)}
	var large []syncing.Message
	for range many.Want {
		large = append(large, syncing.Message{Kind: syncing.Record, Row: row("1", 60<<10)})
	}
	if _, err := syncing.ReadAnswer(reader(encode(large)), &many); !errors.Is(err, syncing.ErrMessage) {
		t.Errorf("an answer of 6 MB: %v", err)
	}
}

// list is a turn that asks for records behind a key, and listed answers it.
func list() syncing.Request {
	key := "7"
	return syncing.Request{List: &key}
}

func listed() []syncing.Message {
	return []syncing.Message{
		{Kind: syncing.Record, Row: row("8", 3)},
		{Kind: syncing.Record, Row: row("9", 3)},
		{Kind: syncing.Listed, Count: 300, Bytes: []byte("9")},
		{Kind: syncing.End},
	}
}

// A list is read as it was written, and has to say up to where it goes.
func TestListed(t *testing.T) {
	q, all := list(), listed()
	a, err := syncing.ReadAnswer(reader(encode(all)), &q)
	if err != nil || len(a.Listed) != 2 || a.Listed[1].Key != "9" || a.Count != 300 || a.Behind != "9" {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = syncing.ReadAnswer(reader(encode([]syncing.Message{{Kind: syncing.Listed}, {Kind: syncing.End}})), &q)
	if err != nil || len(a.Listed) != 0 || a.Behind != "" {
		t.Errorf("a list of nothing: %+v, %v", a, err)
	}
	for name, wrong := range map[string][]syncing.Message{
		"no end of the list": {all[0], all[3]},
		"a record behind it": {all[0], all[2], all[1], all[3]},
		"a second list":      {all[2], all[2], all[3]},
		"a record missing":   {{Kind: syncing.None}, all[2], all[3]},
		"too many records":   append(slices.Repeat(all[:1], syncing.MaxList+1), all[2:]...),
		"too many bytes": append(slices.Repeat([]syncing.Message{{Kind: syncing.Record, Row: row("8", 60<<10)}}, 20),
			all[2:]...),
	} {
		if _, err := syncing.ReadAnswer(reader(encode(wrong)), &q); !errors.Is(err, syncing.ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := syncing.ReadAnswer(reader(encode(all)), &syncing.Request{}); !errors.Is(err, syncing.ErrMessage) {
		t.Errorf("a list that nobody asked for: %v", err)
	}
}

// bad are messages that are none.
var bad = map[string][]byte{
	"empty":              {0},
	"unknown kind":       {1, 99},
	"no direction":       {1, 1},
	"bad direction":      {3, 1, 7, 'a'},
	"no topic":           {2, 1, 1},
	"long topic":         append([]byte{0xac, 0x02, 1, 1}, make([]byte, 300)...),
	"ids cut short":      append([]byte{34, 3}, make([]byte, 33)...),
	"no ids":             {1, 3},
	"no key":             {1, 5},
	"end with a body":    {2, 6, 0},
	"empty Negentropy":   {1, 2},
	"row without fields": {1, 4},
	"row without age":    {3, 4, 1, 'a'},
	"row cut short":      {5, 4, 1, 'a', 0, 9},
	"endless length":     bytes.Repeat([]byte{0xff}, 20),
	"length of 2^62":     {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 4},
	"a record in a request": encode([]syncing.Message{
		{Kind: syncing.Record, Row: syncing.Row{Key: "1"}},
	}),
	"opened twice": encode([]syncing.Message{
		{Kind: syncing.Open, Topic: "a", Direction: 1},
		{Kind: syncing.Open, Topic: "a", Direction: 1},
	}),
	"two lists": encode([]syncing.Message{
		{Kind: syncing.Want, Bytes: make([]byte, 32)},
		{Kind: syncing.Want, Bytes: make([]byte, 32)},
	}),
	"two messages of Negentropy": encode([]syncing.Message{
		{Kind: syncing.Reconcile, Bytes: []byte{1}},
		{Kind: syncing.Reconcile, Bytes: []byte{1}},
	}),
	"two keys to list from": encode([]syncing.Message{{Kind: syncing.List}, {Kind: syncing.List}}),
	"a list and a record":   encode([]syncing.Message{{Kind: syncing.List}, {Kind: syncing.Offer, Row: row("1", 1)}}),
	"a record and a list":   encode([]syncing.Message{{Kind: syncing.Offer, Row: row("1", 1)}, {Kind: syncing.List}}),
	"listed without count":  {1, 14},
	"large value":           encode([]syncing.Message{{Kind: syncing.Offer, Row: row("1", 80<<10)}}),
	"long key":              encode([]syncing.Message{{Kind: syncing.Offer, Row: row(strings.Repeat("k", syncing.MaxKey+1), 1)}}),
	"long ask":              encode([]syncing.Message{{Kind: syncing.Ask, Bytes: make([]byte, syncing.MaxKey+1)}}),
}

func TestMalformed(t *testing.T) {
	for name, data := range bad {
		_, err := syncing.ReadRequest(reader(data))
		if !errors.Is(err, syncing.ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var offers []syncing.Message
	for range syncing.MaxOffer + 1 {
		offers = append(offers, syncing.Message{Kind: syncing.Offer, Row: syncing.Row{Key: "1"}})
	}
	if _, err := syncing.ReadRequest(reader(encode(offers))); !errors.Is(err, syncing.ErrMessage) {
		t.Errorf("too many offers: %v", err)
	}
	offers = offers[:0]
	for range 20 {
		offers = append(offers, syncing.Message{Kind: syncing.Offer, Row: row("1", 60<<10)})
	}
	if _, err := syncing.ReadRequest(reader(encode(offers))); !errors.Is(err, syncing.ErrMessage) {
		t.Errorf("too large offers: %v", err)
	}
}

// A length that lies makes nobody take memory.
func TestMemory(t *testing.T) {
	for kind := range byte(syncing.Listed + 1) {
		for _, size := range [][]byte{{0xff, 0xff, 0xff, 0x7f}, {0xff, 0xff, 3}, {0xff, 0x7f}} {
			data := append(size, kind)
			alloctest.Bound(t, len(data), func() { _, _ = reader(data).Next() })
		}
	}
}

// FuzzRequest reads any turn of an initiator, in memory that is bounded by its length. A turn that can be read reads the same when it is written.
func FuzzRequest(f *testing.F) {
	q := request()
	q.Offers[1].Value = q.Offers[1].Value[:9]
	f.Add(q.Append(nil))
	q = list()
	f.Add(q.Append(nil))
	for _, data := range bad {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var q syncing.Request
		var err error
		alloctest.Bound(t, len(data), func() { q, err = syncing.ReadRequest(reader(data)) })
		if err != nil {
			return
		}
		again, err := syncing.ReadRequest(reader(q.Append(nil)))
		if err != nil || !reflect.DeepEqual(again, q) {
			t.Fatalf("read again: %+v, %v; want %+v", again, err, q)
		}
	})
}

// FuzzAnswer reads any answer to a turn, in memory that is bounded by its length.
func FuzzAnswer(f *testing.F) {
	f.Add(encode(answers()))
	f.Add(encode([]syncing.Message{{Kind: syncing.Fail, Cause: syncing.Busy, Bytes: []byte("later")}}))
	for _, data := range bad {
		f.Add(data)
	}
	f.Add(encode(listed()))
	q, l := request(), list()
	f.Fuzz(func(t *testing.T, data []byte) {
		var a syncing.Answer
		var err error
		alloctest.Bound(t, len(data), func() { _, _ = syncing.ReadAnswer(reader(data), &l) })
		alloctest.Bound(t, len(data), func() { a, err = syncing.ReadAnswer(reader(data), &q) })
		whole := len(a.Verdicts) == len(q.Offers) && len(a.Wanted) == len(q.Want) && len(a.Asked) == len(q.Ask) &&
			a.Reconcile != nil
		if err == nil && a.Fail == nil && !whole {
			t.Fatalf("an answer that is not whole: %+v", a)
		}
	})
}

// A record reads as it was written, and is nothing else than what a message of it has.
func TestRow(t *testing.T) {
	for _, want := range []syncing.Row{row("1", 3), {Key: "", More: []byte{}, Value: []byte{}}} {
		data := want.Append(nil)
		got, err := syncing.ParseRow(data)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, %v; want %+v", got, err, want)
		}
		message := (&syncing.Message{Kind: syncing.Record, Row: want}).Append(nil)
		if !bytes.Equal(message[2:], data) {
			t.Errorf("the message is %x, and the record is %x", message, data)
		}
	}
}

// FuzzRow reads any data as a record, in memory that the data bounds.
func FuzzRow(f *testing.F) {
	some := row("1", 3)
	f.Add(some.Append(nil))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{1, 'k', 0, 0xff, 0xff, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		alloctest.Bound(t, len(data), func() { _, _ = syncing.ParseRow(data) })
		r, err := syncing.ParseRow(data)
		if err != nil {
			if !errors.Is(err, syncing.ErrMessage) {
				t.Fatal(err)
			}
			return
		}
		again, err := syncing.ParseRow(r.Append(nil))
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("read again: %+v, %v; want %+v", again, err, r)
		}
	})
}
