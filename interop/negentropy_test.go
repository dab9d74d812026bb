package interop_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/internal/negentropy"
)

// idSet is the ids of a peer in a comparison, in order.
type idSet []negentropy.ID

func newIDSet(parts ...idSet) idSet {
	set := slices.Concat(parts...)
	slices.SortFunc(set, func(a, b negentropy.ID) int { return bytes.Compare(a[:], b[:]) })
	return set
}

func (s idSet) within(lower, upper []byte) idSet {
	at := func(b []byte) int {
		i, _ := slices.BinarySearchFunc(s, b, func(id negentropy.ID, b []byte) int { return bytes.Compare(id[:], b) })
		return i
	}
	if upper == nil {
		return s[at(lower):]
	}
	return s[at(lower):max(at(lower), at(upper))]
}

func (s idSet) Sums(_ context.Context, bounds [][]byte) (sums []negentropy.Sum, err error) {
	for i, upper := range bounds[1:] {
		var of negentropy.Sum
		for _, id := range s.within(bounds[i], upper) {
			carry := uint64(0)
			for i := range id {
				carry += uint64(id[i]) + uint64(of.Sum[i])
				of.Sum[i] = byte(carry)
				carry >>= 8
			}
			of.Count++
		}
		sums = append(sums, of)
	}
	return sums, nil
}

func (s idSet) IDs(_ context.Context, lower, upper []byte) iter.Seq2[negentropy.ID, error] {
	return func(yield func(negentropy.ID, error) bool) {
		for _, id := range s.within(lower, upper) {
			if !yield(id, nil) {
				return
			}
		}
	}
}

// Split returns bounds at which the first bits of ids change, as a topic does.
func (s idSet) Split(_ context.Context, lower, upper []byte, parts int) (bounds [][]byte, err error) {
	in := s.within(lower, upper)
	same := 0
	for first, last := in[0], in[len(in)-1]; first[same] == last[same]; {
		same++
	}
	for b := 0; b < 256; b += max(256/parts/2, 1) {
		bound := append(slices.Clone(in[0][:same]), byte(b))
		if bytes.Compare(bound, in[0][:]) > 0 && bytes.Compare(bound, in[len(in)-1][:]) <= 0 {
			bounds = append(bounds, bound)
		}
	}
	return bounds, nil
}

func randomIDs(r *rand.Rand, n int) idSet {
	set := make(idSet, n)
	for i := range set {
		for j := range set[i] {
			set[i][j] = byte(r.Uint32())
		}
	}
	return set
}

// said is what the Rust side says of a message.
type said struct {
	Have, Need []byte
	Message    *[]byte
}

// An initiator and a responder of the negentropy crate compare random sets with ours, in both
// roles and with messages of several sizes, and find out what each lacks.
func TestRustNegentropy(t *testing.T) {
	ctx := t.Context()
	rust := startRust(t)
	r := rand.New(rand.NewPCG(1, 15))
	for _, limit := range []int{negentropy.MinMessage, 64 << 10} {
		limits := negentropy.Limits{Message: limit, Have: 100}
		for _, size := range []struct{ shared, ours, theirs int }{
			{0, 0, 0},
			{0, 0, 500},
			{0, 500, 0},
			{20, 2, 3},
			{3000, 0, 0},
			{3000, 20, 30},
			{2000, 300, 400},
		} {
			shared := randomIDs(r, size.shared)
			have, need := newIDSet(randomIDs(r, size.ours)), newIDSet(randomIDs(r, size.theirs))
			ours, theirs := newIDSet(shared, have), newIDSet(shared, need)
			begin := func(initiator bool) (first []byte) {
				t.Helper()
				if err := rust.do(map[string]any{
					"do": "compare", "initiator": initiator, "limit": limit,
					"ids": base64.StdEncoding.EncodeToString(slices.Concat(bytesOf(theirs)...)),
				}, &first); err != nil {
					t.Fatal(err)
				}
				return first
			}
			reconcile := func(message []byte) (answer said) {
				t.Helper()
				if len(message) > limit {
					t.Fatalf("a message has %d bytes", len(message))
				}
				if err := rust.do(map[string]any{"do": "reconcile", "message": message}, &answer); err != nil {
					t.Fatalf("a message of %d bytes: %v", len(message), err)
				}
				return answer
			}

			begin(false)
			var gotHave, gotNeed idSet
			i := negentropy.NewInitiator(ours, limits)
			message, err := i.Start(ctx)
			rounds := 0
			for ; err == nil && message != nil; rounds++ {
				var result negentropy.Result
				result, err = i.Next(ctx, *reconcile(message).Message)
				gotHave, gotNeed = append(gotHave, result.Have...), append(gotNeed, result.Need...)
				message = result.Message
			}
			if err != nil {
				t.Fatalf("%d bytes, %+v: %v", limit, size, err)
			}
			gotHave, gotNeed = slices.Compact(newIDSet(gotHave)), slices.Compact(newIDSet(gotNeed))
			if !slices.Equal(gotHave, have) || !slices.Equal(gotNeed, need) {
				t.Errorf("%d bytes, %+v: as initiator we find %d to have and %d to need", limit, size, len(gotHave), len(gotNeed))
			}

			gotHave, gotNeed = nil, nil
			next := begin(true)
			for next != nil {
				answer, err := negentropy.Respond(ctx, ours, limits, next)
				if err != nil {
					t.Fatalf("%d bytes, %+v: %v", limit, size, err)
				}
				found := reconcile(answer)
				gotHave, gotNeed = append(gotHave, idsOf(found.Have)...), append(gotNeed, idsOf(found.Need)...)
				if next = nil; found.Message != nil {
					next = *found.Message
				}
				rounds++
			}
			gotHave, gotNeed = slices.Compact(newIDSet(gotHave)), slices.Compact(newIDSet(gotNeed))
			if !slices.Equal(gotHave, need) || !slices.Equal(gotNeed, have) {
				t.Errorf("%d bytes, %+v: Rust finds %d to have and %d to need", limit, size, len(gotHave), len(gotNeed))
			}
			if rounds > 200 {
				t.Errorf("%d bytes, %+v: %d rounds", limit, size, rounds)
			}
		}
	}
}

func bytesOf(set idSet) (all [][]byte) {
	for i := range set {
		all = append(all, set[i][:])
	}
	return all
}

func idsOf(all []byte) (set idSet) {
	for ids := range slices.Chunk(all, len(negentropy.ID{})) {
		set = append(set, negentropy.ID(ids))
	}
	return set
}
