package crypt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/format"
)

func newKey(t testing.TB, number uint32) *DataKey {
	t.Helper()
	key, err := NewDataKey(number, bytes.Repeat([]byte{byte(number)}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newKeys(t testing.TB, mixed bool, numbers ...uint32) *Keys {
	t.Helper()
	known := map[uint32]*DataKey{}
	for _, number := range numbers {
		known[number] = newKey(t, number)
	}
	return NewKeys(known, mixed)
}

// parse returns the row that is stored at a key.
func parse(t testing.TB, at, body []byte) format.Row {
	t.Helper()
	row, err := format.ParseRow(at, format.AppendChecksum(bytes.Clone(body), at))
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestRows(t *testing.T) {
	keys := newKeys(t, false, 1, math.MaxUint32)
	at, value := []byte("stored key"), []byte("value of the row")
	for _, h := range []format.Header{
		{Schema: 1},
		{Schema: 300, Foreign: true, Expiry: -1, Dictionary: 5},
	} {
		body := keys.Current().AppendRow([]byte("before"), at, h, value)
		body, ok := bytes.CutPrefix(body, []byte("before"))
		if !ok || bytes.Contains(body, value[:4]) {
			t.Fatalf("%x", body)
		}
		row := parse(t, at, body)
		if row.Key != math.MaxUint32 {
			t.Error("encrypted with key", row.Key)
		}
		plain, err := keys.Decrypt(row)
		if err != nil || !bytes.Equal(plain.Value, value) || plain.Header != h {
			t.Errorf("%+v: %+v, %v", h, plain, err)
		}
		again := keys.Current().AppendRow(nil, at, h, value)
		if bytes.Equal(again, body) {
			t.Error("a nonce is repeated")
		}
		empty := keys.Current().AppendRow(nil, at, h, nil)
		if plain, err := keys.Decrypt(parse(t, at, empty)); err != nil || len(plain.Value) != 0 {
			t.Errorf("%+v: an empty value is %+v, %v", h, plain, err)
		}
	}
}

// Every bit of a row counts, and so does its place.
func TestTamperedRows(t *testing.T) {
	keys := newKeys(t, false, 1, 2)
	at := []byte("stored key")
	body := keys.Current().AppendRow(nil, at, format.Header{Schema: 1, Expiry: 1 << 40, Dictionary: 1}, []byte("value"))
	for bit := range len(body) * 8 {
		changed := bytes.Clone(body)
		changed[bit/8] ^= 1 << (bit % 8)
		row, err := format.ParseRow(at, format.AppendChecksum(changed, at))
		if err != nil {
			continue // it is no row
		}
		if plain, err := keys.Decrypt(row); !errors.Is(err, format.ErrTampered) {
			t.Errorf("bit %d: %+v, %v", bit, plain, err)
		}
	}
	other := []byte("stored kex")
	if plain, err := keys.Decrypt(parse(t, other, body)); !errors.Is(err, format.ErrTampered) {
		t.Errorf("under another key: %+v, %v", plain, err)
	}
	plain := parse(t, at, append(format.AppendRowHeader(nil, format.Header{Schema: 1}), "value"...))
	if row, err := keys.Decrypt(plain); !errors.Is(err, format.ErrTampered) {
		t.Errorf("without encryption: %+v, %v", row, err)
	}
	if row, err := newKeys(t, true, 1).Decrypt(plain); err != nil || string(row.Value) != "value" {
		t.Errorf("without encryption in a mixed store: %+v, %v", row, err)
	}
	var none *Keys
	if row, err := none.Decrypt(parse(t, at, body)); !errors.Is(err, format.ErrTampered) {
		t.Errorf("in a store without keys: %+v, %v", row, err)
	}
	locked := errors.New("locked")
	if row, err := NewLockedKeys(locked).Decrypt(parse(t, at, body)); !errors.Is(err, locked) {
		t.Errorf("without the key: %+v, %v", row, err)
	}
}

// Replace waits for the transactions that began with the key before.
func TestReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := newKeys(t, false, 1)
		first := keys.Begin()
		keys.Begin().End()
		var replaced time.Duration
		start := time.Now()
		go func() {
			if err := keys.Replace(t.Context(), newKey(t, 2)); err != nil {
				t.Error(err)
			}
			replaced = time.Since(start)
		}()
		time.Sleep(time.Second)
		second := keys.Begin()
		if first.Number != 1 || second.Number != 2 || keys.Current().Number != 2 {
			t.Errorf("keys %d, %d, %d", first.Number, second.Number, keys.Current().Number)
		}
		first.End()
		synctest.Wait()
		if replaced != time.Second {
			t.Errorf("replaced after %v", replaced)
		}
		second.End()
		old := newKey(t, 1).AppendRow(nil, []byte("at"), format.Header{Schema: 1}, []byte("old"))
		if row, err := keys.Decrypt(parse(t, []byte("at"), old)); err != nil || string(row.Value) != "old" {
			t.Errorf("a snapshot reads %+v, %v", row, err)
		}
	})
}

func TestPassphrases(t *testing.T) {
	secret, associated := []byte("secret"), []byte("purpose")
	sealed, err := SealByPassphrase([]byte("open sesame"), secret, associated)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenByPassphrase([]byte("open sesame"), sealed, associated)
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%q, %v", got, err)
	}
	with := func(passes, memory uint32, threads byte) []byte {
		changed := binary.BigEndian.AppendUint32(slices.Clone(sealed[:saltSize]), passes)
		changed = append(binary.BigEndian.AppendUint32(changed, memory), threads)
		return append(changed, sealed[costSize:]...)
	}
	for name, sealed := range map[string][]byte{
		"nothing": nil, "no secret": sealed[:costSize], "half a cost": sealed[:costSize-1],
		"no passes": with(0, 1024, 1), "no threads": with(1, 1024, 0), "too little memory": with(1, 31, 4),
		"too many passes": with(17, 1024, 1), "too much memory": with(1, 1<<20+1, 1), "all": with(1<<31, 1<<31, 255),
		"another cost": with(1, 1024, 1),
	} {
		if got, err := OpenByPassphrase([]byte("open sesame"), sealed, associated); !errors.Is(err, format.ErrTampered) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := OpenByPassphrase([]byte("open sesam"), sealed, associated); !errors.Is(err, format.ErrTampered) {
		t.Errorf("another passphrase: %q, %v", got, err)
	}
}
