package policy_test

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
	"github.com/newsnet-africa/netabase-go/record/internal/wire"
)

// The owner is the peer that is the key, or that is its first part.
func TestOwner(t *testing.T) {
	ada := newWriter(t)
	pair, _ := encode(t, signed, note{Author: ada.id, Number: 1})
	alone, _ := encode(t, single, note{Author: ada.id})
	for tree, key := range map[models.AnyTree][]byte{signed: pair, single: alone} {
		rules := policy.For(tree, age)
		if owner, err := rules.Owner(key); err != nil || owner != ada.id {
			t.Errorf("%s: the owner is %s, error %v", tree.Name(), owner, err)
		}
	}
	rules := policy.For(signed, age)
	if owner, err := rules.Owner(alone); err == nil {
		t.Errorf("half a key has the owner %s", owner)
	}
}

// Only the owner's record for this very key is valid, and only with a row of that key.
func TestCheckSigned(t *testing.T) {
	ada, eve := newWriter(t), newWriter(t)
	rules := policy.For(signed, age)
	key, value := encode(t, signed, note{Author: ada.id, Number: 1, Text: "a"})
	_, ofAnother := encode(t, signed, note{Author: ada.id, Number: 2})
	good := wire.Statement{
		Head:      wire.Head{Sequence: 9, Expires: uint64(time.Now().Add(age).Unix())},
		RecordKey: recordKey(t, &rules, key), Value: value,
	}
	gone := good
	gone.Retracted, gone.Value = true, nil
	for _, s := range []wire.Statement{good, gone} {
		data := ada.sign(t, s)
		c, err := rules.Check(key, data)
		if err != nil || c.Head != s.Head || !bytes.Equal(c.Value, s.Value) || (c.Value == nil) != s.Retracted ||
			!bytes.Equal(c.Data, data) || !bytes.Equal(c.Key, key) {
			t.Errorf("checked is %+v, error %v", c, err)
		}
	}
	misplaced, mistaken, empty := good, good, good
	misplaced.RecordKey = "/signed/elsewhere"
	mistaken.Value = ofAnother
	empty.Value = nil
	for name, data := range map[string][]byte{
		"another's signature": eve.sign(t, good),
		"another's tombstone": eve.sign(t, gone),
		"another record key":  ada.sign(t, misplaced),
		"another row":         ada.sign(t, mistaken),
		"no row":              ada.sign(t, empty),
		"no envelope":         value,
		"empty":               nil,
	} {
		if _, err := rules.Check(key, data); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A signed record is valid until it expires. It expires no later than the age of records
// and an hour from now, if records have an age.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ada := newWriter(t)
		now := time.Now()
		at := func(d time.Duration) uint64 { return uint64(now.Add(d).Unix()) }
		for _, at := range []struct {
			age     time.Duration
			expires uint64
			valid   bool
		}{
			{age, at(-time.Second), false},
			{age, at(0), false},
			{age, at(time.Second), true},
			{age, at(age + time.Hour), true},
			{age, at(age + time.Hour + time.Second), false},
			{age, math.MaxUint64, false},
			{age, 0, false},
			{-1, 0, true},
			{-1, at(100 * age), true},
			{-1, at(0), false},
		} {
			rules := policy.For(signed, at.age)
			key, value := encode(t, signed, note{Author: ada.id})
			data := ada.sign(t, wire.Statement{
				Head: wire.Head{Expires: at.expires}, RecordKey: recordKey(t, &rules, key), Value: value,
			})
			if _, err := rules.Check(key, data); (err == nil) != at.valid || err != nil && !errors.Is(err, models.ErrInvalid) {
				t.Errorf("age %v, expiry %d at %d: %v", at.age, at.expires, now.Unix(), err)
			}
		}
	})
}

// A record keeps its number where it is signed again, and gets a higher one where it
// changes, also if the last one was made by a clock that ran ahead.
func TestNext(t *testing.T) {
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	milli, latest := uint64(now.UnixMilli()), uint64(now.Add(age).Unix())
	earlier, ahead := latest-100, milli+5000
	value, changed := []byte("a"), []byte("b")
	head := func(sequence, expires uint64) wire.Head { return wire.Head{Sequence: sequence, Expires: expires} }
	gone := func(sequence, expires uint64) wire.Head {
		return wire.Head{Sequence: sequence, Expires: expires, Retracted: true}
	}
	stored := func(h wire.Head, value []byte, whole bool) policy.Stored {
		return policy.Stored{Value: value, Signature: &wire.Signature{Head: h}, Whole: whole}
	}
	for name, at := range map[string]struct {
		age    time.Duration
		value  []byte
		stored policy.Stored
		want   wire.Head
	}{
		"the first":                      {age, value, policy.Stored{}, head(milli, latest)},
		"records for ever":               {-1, value, policy.Stored{}, head(milli, 0)},
		"the same":                       {age, value, stored(head(7, earlier), value, true), head(7, latest)},
		"the same that expires later":    {age, value, stored(head(7, latest+1), value, true), head(milli, latest)},
		"a changed value":                {age, changed, stored(head(7, earlier), value, true), head(milli, latest)},
		"a value that is not the signed": {age, value, stored(head(7, earlier), value, false), head(milli, latest)},
		"a number ahead of the clock":    {age, changed, stored(head(ahead, earlier), value, true), head(ahead+1, latest)},
		"a tombstone":                    {age, nil, stored(head(7, earlier), value, true), gone(milli, latest)},
		"the same tombstone":             {age, nil, stored(gone(7, earlier), nil, true), gone(7, earlier)},
		"a tombstone that has expired":   {age, nil, stored(gone(7, uint64(now.Unix())), nil, true), gone(7, latest)},
		"a tombstone from ahead":         {age, nil, stored(gone(7, latest+1), nil, true), gone(milli, latest)},
		"a tombstone for ever":           {-1, nil, stored(gone(7, 0), nil, true), gone(7, 0)},
		"a record over a tombstone":      {age, value, stored(gone(ahead, earlier), nil, true), head(ahead+1, latest)},
	} {
		rules := policy.For(signed, at.age)
		s := rules.Next("/signed/key", at.value, &at.stored, now)
		if s.Head != at.want || s.RecordKey != "/signed/key" || !bytes.Equal(s.Value, at.value) {
			t.Errorf("%s: %+v, want %+v", name, s, at.want)
		}
	}
}
