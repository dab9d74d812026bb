package models_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// seat is a key of a type from outside package models.
type seat struct {
	Hall string
	Row  uint16
}

// seatKey writes seats as pairs.
type seatKey struct {
	models.KeyCodec[models.Pair[string, uint16]]
}

func (seatKey) Name() string { return "seat" }

func pairOf(s seat) models.Pair[string, uint16] { return models.MakePair(s.Hall, s.Row) }

func seatOf(p models.Pair[string, uint16], err error) (seat, error) {
	return seat{p.First, p.Second}, err
}

func (k seatKey) Append(dst []byte, s seat) []byte     { return k.KeyCodec.Append(dst, pairOf(s)) }
func (k seatKey) AppendLast(dst []byte, s seat) []byte { return k.KeyCodec.AppendLast(dst, pairOf(s)) }

func (k seatKey) AppendText(dst []byte, s seat) []byte { return k.KeyCodec.AppendText(dst, pairOf(s)) }
func (k seatKey) Format(s seat) string                 { return k.KeyCodec.Format(pairOf(s)) }

func (k seatKey) Decode(src []byte) (seat, []byte, error) {
	p, rest, err := k.KeyCodec.Decode(src)
	return seat{p.First, p.Second}, rest, err
}

func (k seatKey) DecodeLast(src []byte) (seat, error) { return seatOf(k.KeyCodec.DecodeLast(src)) }
func (k seatKey) ParseText(text string) (seat, error) { return seatOf(k.KeyCodec.ParseText(text)) }
func (k seatKey) Parse(text string) (seat, error)     { return seatOf(k.KeyCodec.Parse(text)) }

func (seatKey) Parts() int { return 2 }

func (seatKey) AppendParts(dst []byte, s seat, _ int) []byte {
	return models.String.Append(dst, s.Hall)
}

type ticket struct {
	ID   uint64
	Seat seat
	Name string
}

var (
	seats      = seatKey{models.PairOf(models.String, models.Uint16)}
	tickets    = models.NewTree("ticket", models.Uint64, func(m *ticket) uint64 { return m.ID })
	bySeat     = models.NewIndex(tickets, "seat", seats, func(m *ticket) seat { return m.Seat })
	bySeatName = models.NewIndex(tickets, "seat_name", models.PairOf(models.KeyCodec[seat](seats), models.String),
		func(m *ticket) models.Pair[seat, string] { return models.MakePair(m.Seat, m.Name) })

	theatre = models.NewDefinition("theatre", tickets)
)

// TestLeading checks ranges by the parts of keys whose codec is not of package
// models.
func TestLeading(t *testing.T) {
	ctx, store := t.Context(), datastore.Temp(t, memory.Engine(), theatre)
	for i, s := range []seat{{"A", 1}, {"A", 2}, {"AB", 1}, {"B", 1}} {
		if err := tickets.Put(ctx, store, &ticket{ID: uint64(i), Seat: s, Name: "x, y"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		rng  models.Range[seat]
		want int
	}{
		{models.Leading(seat{Hall: "A"}, 1), 2},
		{models.Leading(seat{Hall: "A"}, 1).From(seat{"A", 2}), 1},
		{models.Leading(seat{Hall: "A"}, 1).Before(seat{"Z", 0}), 2},
		{models.Leading(seat{Hall: "C"}, 1), 0},
	} {
		if n, err := bySeat.Count(ctx, store, c.rng); n != c.want || err != nil {
			t.Errorf("%d entries, %v, want %d", n, err, c.want)
		}
	}
	if n, err := bySeatName.Count(ctx, store, models.FirstIs(bySeatName, seat{"A", 2})); n != 1 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
	for _, parts := range []int{-1, 0, 2, 3} {
		_, err := bySeat.Count(ctx, store, models.Leading(seat{Hall: "A"}, parts))
		if !errors.Is(err, models.ErrInvalid) || !strings.Contains(err.Error(), fmt.Sprintf("%d leading parts", parts)) {
			t.Errorf("%d parts: %v", parts, err)
		}
	}
	if _, err := tickets.Count(ctx, store, models.Leading(uint64(1), 1)); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("parts of an integer: %v", err)
	}
}

// TestPartsWithin checks the texts of keys in which one of another module is a
// part.
func TestPartsWithin(t *testing.T) {
	codec := models.PairOf(models.KeyCodec[seat](seats), models.String)
	key := models.MakePair(seat{"a, b", 7}, "c")
	if text := codec.Format(key); text != `"a, b",7,c` {
		t.Errorf("Format gives %s", text)
	}
	if back, err := codec.Parse(codec.Format(key)); back != key || err != nil {
		t.Errorf("Parse gives %v, %v", back, err)
	}
	if back, err := codec.ParseText(string(codec.AppendText(nil, key))); back != key || err != nil {
		t.Errorf("ParseText gives %v, %v", back, err)
	}
}
