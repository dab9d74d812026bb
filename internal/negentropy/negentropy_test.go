package negentropy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/internal/negentropy"
)

var wide = negentropy.Limits{Message: 128 << 10, Have: 4096}

// compared is what a comparison has found out, and how.
type compared struct {
	have, need map[negentropy.ID]bool
	rounds     int
	bytes      int
}

// compare compares the sets of an initiator and a responder.
func compare(t testing.TB, ours, theirs ids, limits negentropy.Limits) compared {
	t.Helper()
	ctx := context.Background()
	found := compared{have: map[negentropy.ID]bool{}, need: map[negentropy.ID]bool{}}
	i := negentropy.NewInitiator(ours, limits)
	message, err := i.Start(ctx)
	for message != nil && err == nil {
		var answer []byte
		if answer, err = negentropy.Respond(ctx, theirs, limits, message); err != nil {
			break
		}
		if len(message) > limits.Message || len(answer) > limits.Message {
			t.Fatalf("messages of %d and %d bytes", len(message), len(answer))
		}
		found.rounds++
		found.bytes += len(message) + len(answer)
		var r negentropy.Result
		if r, err = i.Next(ctx, answer); err != nil {
			break
		}
		for _, id := range r.Have {
			found.have[id] = true
		}
		for _, id := range r.Need {
			found.need[id] = true
		}
		if len(r.Have) > limits.Have {
			t.Fatalf("%d ids to have at once", len(r.Have))
		}
		message = r.Message
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// check reports where what was found is not how the two differ.
func (c compared) check(t testing.TB, ours, theirs ids) {
	t.Helper()
	for _, side := range []struct {
		name  string
		one   ids
		other ids
		found map[negentropy.ID]bool
	}{{"have", ours, theirs, c.have}, {"need", theirs, ours, c.need}} {
		inOther := map[negentropy.ID]bool{}
		for _, id := range side.other {
			inOther[id] = true
		}
		differ := 0
		for _, id := range side.one {
			if inOther[id] {
				continue
			}
			if differ++; !side.found[id] {
				t.Errorf("%s: %x is not found", side.name, id)
			}
		}
		if differ != len(side.found) {
			t.Errorf("%s: %d ids are found, and %d differ", side.name, len(side.found), differ)
		}
	}
}

// Two sets of any size find out how they differ, whatever the limits.
func TestCompare(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, limits := range []negentropy.Limits{
		wide,
		{Message: negentropy.MinMessage, Have: 20},
		{Message: negentropy.MinMessage, Have: 4096},
		{Message: 1 << 20, Have: 7},
	} {
		for _, size := range []struct{ shared, ours, theirs int }{
			{0, 0, 0},
			{0, 1, 0},
			{0, 0, 1},
			{1, 0, 0},
			{31, 1, 1},
			{100, 0, 0},
			{0, 300, 0},
			{0, 0, 300},
			{1000, 10, 10},
			{5000, 1, 0},
			{3000, 500, 700},
			{0, 2000, 2000},
		} {
			t.Run(fmt.Sprintf("%+v %+v", limits, size), func(t *testing.T) {
				shared := random(r, size.shared)
				ours := newIDs(append(random(r, size.ours), shared...))
				theirs := newIDs(append(random(r, size.theirs), shared...))
				compare(t, ours, theirs, limits).check(t, ours, theirs)
			})
		}
	}
}

// Ids that begin alike are told apart.
func TestCompareAlike(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	all := random(r, 3000) // in order, such ids as 1, 2, 3 and 4 have equal sums
	for i := range all {
		clear(all[i][:20])
	}
	pick := func() ids {
		var some []negentropy.ID
		for _, id := range all {
			if r.IntN(3) > 0 {
				some = append(some, id)
			}
		}
		return newIDs(some)
	}
	for range 5 {
		ours, theirs := pick(), pick()
		compare(t, ours, theirs, wide).check(t, ours, theirs)
	}
}

// A large set with few differences costs few messages and bytes.
func TestCompareLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("it sums 1,000,000 ids over and over")
	}
	r := rand.New(rand.NewPCG(5, 6))
	shared := random(r, 1_000_000)
	ours := newIDs(append(random(r, 100), shared...))
	theirs := newIDs(append(random(r, 100), shared...))
	found := compare(t, ours, theirs, wide)
	found.check(t, ours, theirs)
	t.Logf("%d round trips, %d bytes", found.rounds, found.bytes)
	if found.rounds > 3 || found.bytes > 300_000 {
		t.Errorf("%d round trips, %d bytes", found.rounds, found.bytes)
	}
	if same := compare(t, ours, ours, wide); same.rounds != 1 || same.bytes > 25_000 {
		t.Errorf("the same: %d round trips, %d bytes", same.rounds, same.bytes)
	}
}

// A responder answers another version with its own, and an initiator says so.
func TestVersion(t *testing.T) {
	ctx := t.Context()
	answer, err := negentropy.Respond(ctx, ids{}, wide, []byte{0x62, 1, 2, 3})
	if err != nil || !bytes.Equal(answer, []byte{0x61}) {
		t.Errorf("answer %x, %v", answer, err)
	}
	for _, message := range [][]byte{{0x70, 0, 0, 0}, {0x5f}, {0}} {
		if _, err := negentropy.Respond(ctx, ids{}, wide, message); !errors.Is(err, negentropy.ErrVersion) {
			t.Errorf("message %x: %v", message, err)
		}
	}
	i := negentropy.NewInitiator(ids{}, wide)
	if _, err := i.Next(ctx, []byte{0x60}); !errors.Is(err, negentropy.ErrVersion) {
		t.Errorf("answer 60: %v", err)
	}
}

// bad are the ranges of messages that break the protocol.
var bad = map[string][]byte{
	"no mode":               {0, 0},
	"unknown mode":          {0, 0, 3},
	"mode of ten digits":    append([]byte{0, 0}, bytes.Repeat([]byte{0xff}, 10)...),
	"endless varint":        bytes.Repeat([]byte{0xff}, 4000),
	"varint with zeros":     {0, 0, 0x80, 0},
	"timestamp overflows":   {3, 0, 0, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0},
	"timestamp is reserved": {2, 0, 0, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0},
	"id of 33 bytes":        append(append([]byte{1, 33}, make([]byte, 33)...), 0),
	"end with an id":        {0, 1, 1, 0},
	"fingerprint cut short": {0, 0, 1, 1, 2, 3},
	"list cut short":        append([]byte{0, 0, 2, 2}, make([]byte, 63)...),
	"list of 2^63 ids":      {0, 0, 2, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0},
	"behind the end":        {0, 0, 0, 0, 0, 0},
	"decreasing":            {1, 1, 5, 0, 1, 1, 4, 0},
	"id below its range":    append([]byte{1, 1, 5, 0, 0, 0, 2, 1}, make([]byte, 32)...),
	"id above its range":    append([]byte{1, 1, 5, 2, 1}, bytes.Repeat([]byte{9}, 32)...),
	"id of no timestamp":    append([]byte{2, 0, 0, 0, 0, 2, 1}, make([]byte, 32)...),
	"id twice":              append([]byte{0, 0, 2, 2}, make([]byte, 64)...),
	"bound cut short":       {1, 32, 1, 2},
}

// Each message that breaks the protocol is refused on both sides, and nothing is read for it.
func TestMalformed(t *testing.T) {
	ctx := t.Context()
	set := newIDs(random(rand.New(rand.NewPCG(7, 8)), 100))
	refuse := func(name string, message []byte) {
		t.Helper()
		if _, err := negentropy.Respond(ctx, set, wide, message); !errors.Is(err, negentropy.ErrMessage) {
			t.Errorf("%s: the responder returns %v", name, err)
		}
		if _, err := negentropy.NewInitiator(set, wide).Next(ctx, message); !errors.Is(err, negentropy.ErrMessage) {
			t.Errorf("%s: the initiator returns %v", name, err)
		}
	}
	for name, ranges := range bad {
		refuse(name, append([]byte{0x61}, ranges...))
	}
	refuse("empty", nil)
	refuse("too long", append([]byte{0x61}, make([]byte, wide.Message)...))
}

// A comparison with a responder that always has another fingerprint, or always asks for the same
// again, ends with an error.
func TestEndless(t *testing.T) {
	ctx := t.Context()
	set := newIDs(random(rand.New(rand.NewPCG(9, 10)), 1000))
	for name, answer := range map[string]func(round int) []byte{
		"false fingerprints": func(round int) []byte {
			return append([]byte{0x61, 0, 0, 1, byte(round)}, make([]byte, 15)...)
		},
		"false fingerprints of a part": func(round int) []byte {
			return append([]byte{0x61, 1, 1, 0x80, 0, 1, 2, 0x80, 1, 1, byte(round)}, make([]byte, 15)...)
		},
	} {
		i := negentropy.NewInitiator(set, wide)
		if _, err := i.Start(ctx); err != nil {
			t.Fatal(err)
		}
		var err error
		for round := 0; err == nil; round++ {
			if round == 1000 {
				t.Fatalf("%s: no end", name)
			}
			_, err = i.Next(ctx, answer(round))
		}
		if !errors.Is(err, negentropy.ErrEndless) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// errSet is a Set that cannot be read.
type errSet struct{ ids }

var errDisk = errors.New("disk")

func (errSet) Sums(context.Context, [][]byte) ([]negentropy.Sum, error) { return nil, errDisk }

// An error of the set is returned.
func TestSetFails(t *testing.T) {
	ctx := t.Context()
	i := negentropy.NewInitiator(errSet{}, wide)
	if _, err := i.Start(ctx); !errors.Is(err, errDisk) {
		t.Error(err)
	}
	question := append([]byte{0x61, 0, 0, 1}, make([]byte, 16)...)
	if _, err := i.Next(ctx, question); !errors.Is(err, errDisk) {
		t.Error(err)
	}
	if _, err := negentropy.Respond(ctx, errSet{}, wide, question); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

// FuzzMessage gives any message to both sides. Each is refused, or answered with a message that is
// within the limit and that the other side takes.
func FuzzMessage(f *testing.F) {
	set := newIDs(random(rand.New(rand.NewPCG(11, 12)), 500))
	limits := negentropy.Limits{Message: negentropy.MinMessage, Have: 100}
	start, err := negentropy.NewInitiator(set, limits).Start(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	answer, err := negentropy.Respond(context.Background(), set[:250], limits, start)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(start)
	f.Add(answer)
	for _, ranges := range bad {
		f.Add(append([]byte{0x61}, ranges...))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		ctx := context.Background()
		isTyped := func(err error) bool {
			return errors.Is(err, negentropy.ErrMessage) || errors.Is(err, negentropy.ErrVersion)
		}
		asInitiator := negentropy.NewInitiator(set, limits)
		answer, err := negentropy.Respond(ctx, set, limits, slices.Clone(message))
		switch {
		case err != nil && !isTyped(err):
			t.Fatal(err)
		case err == nil && len(answer) > limits.Message:
			t.Fatalf("answer of %d bytes", len(answer))
		case err == nil:
			if _, err := asInitiator.Next(ctx, answer); err != nil {
				t.Fatalf("the answer %x is refused: %v", answer, err)
			}
		}
		r, err := negentropy.NewInitiator(set, limits).Next(ctx, message)
		switch {
		case err != nil && !isTyped(err):
			t.Fatal(err)
		case len(r.Message) > limits.Message || len(r.Have) > limits.Have || len(r.Need)*32 > len(message):
			t.Fatalf("result %+v", r)
		case r.Message != nil:
			if _, err := negentropy.Respond(ctx, set, limits, r.Message); err != nil {
				t.Fatalf("the message %x is refused: %v", r.Message, err)
			}
		}
	})
}
