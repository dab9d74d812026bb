package datastore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// seenKey is a Key that keeps all that it has been given and has returned.
type seenKey struct {
	datastore.Key
	secrets, wrapped [][]byte
}

func (k *seenKey) Wrap(ctx context.Context, secret, purpose []byte) ([]byte, error) {
	wrapped, err := k.Key.Wrap(ctx, secret, purpose)
	k.secrets = append(k.secrets, bytes.Clone(secret))
	k.wrapped = append(k.wrapped, bytes.Clone(wrapped))
	return wrapped, err
}

// The spaces of the rows of a clinic and of its blind indexes.
const (
	patientSpace = 64
	citySpace    = 66
	numberSpace  = 67
)

// hashesOf returns the hashes in the entries of the blind indexes of a clinic.
func hashesOf(t testing.TB, eng engine.Engine) (hashes [][]byte) {
	t.Helper()
	for _, p := range dump(t, eng) {
		if p.key[0] == citySpace || p.key[0] == numberSpace {
			hashes = append(hashes, p.key[1:1+session.BlindSize])
		}
	}
	return hashes
}

func restored(t testing.TB, newEngine func(testing.TB) engine.Engine, stream []byte) engine.Engine {
	t.Helper()
	to := newEngine(t)
	if _, err := datastore.Restore(t.Context(), to, bytes.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	return to
}

// A plain backup has the rows of a store with blind indexes, and nothing that the keys of the store
// have made. The store that is restored from it is a plain one, and with a key of its own it has the
// blind indexes again.
func TestPlainBackupOfBlindIndexes(t *testing.T) {
	ctx, clinic, from, want := t.Context(), newClinic(models.Local), memory.Engine(), map[uint64]patient{}
	key := &seenKey{Key: secretOf(1)}
	s := openKeyed(t, from, key, clinic.definition)
	for id := range uint64(50) {
		// All are as long as others, so that none is found in another.
		p := patient{ID: id, City: fmt.Sprintf("city-%d", id%7), Number: fmt.Sprintf("number-%04d", id), Age: id % 3}
		if want[id] = p; id%5 == 0 {
			p.Number = ""
			want[id] = p
		}
		if err := clinic.patients.Put(ctx, s, &p); err != nil {
			t.Fatal(err)
		}
	}
	rotate(t, s) // so that there is more than one data key to find
	var plain, encrypted bytes.Buffer
	for stream, o := range map[*bytes.Buffer]datastore.BackupOptions{&plain: {Plain: true}, &encrypted: {}} {
		if _, err := s.Backup(ctx, stream, o); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
	former := hashesOf(t, from)
	if len(former) != 50+40 || len(key.secrets) != 2 {
		t.Fatalf("%d entries, %d data keys", len(former), len(key.secrets))
	}
	absent := func(name string, parts [][]byte) {
		t.Helper()
		for _, part := range parts {
			if len(part) < session.BlindSize || bytes.Contains(plain.Bytes(), part) {
				t.Fatalf("the plain backup has the %s %x", name, part)
			}
		}
	}
	absent("hash", former)
	absent("wrapped key", key.wrapped)
	for _, secret := range key.secrets {
		absent("key", [][]byte{secret[:32], secret[32:64]})
	}
	// The search is not for nothing.
	if last := key.wrapped[1]; !bytes.Contains(encrypted.Bytes(), last) || !bytes.Contains(encrypted.Bytes(), former[0]) {
		t.Error("the encrypted backup has no key or no hashes")
	}
	cities := map[string]int{}
	for _, p := range want {
		cities[p.City]++
		if p.Number != "" {
			if n := bytes.Count(plain.Bytes(), []byte(p.Number)); n != 1 {
				t.Errorf("%s is there %d times", p.Number, n)
			}
		}
	}
	for city, rows := range cities {
		if n := bytes.Count(plain.Bytes(), []byte(city)); n != rows {
			t.Errorf("%s is there %d times, and %d rows have it", city, n, rows)
		}
	}

	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := restored(t, newEngine, plain.Bytes())
			rows := 0
			for _, p := range dump(t, eng) {
				switch {
				case p.key[0] == patientSpace:
					rows++
				case p.key[0] == citySpace, p.key[0] == numberSpace, bytes.HasPrefix(p.key, []byte{1, 4}):
					t.Errorf("there is the key %x", p.key)
				case bytes.Contains(append(p.key, p.value...), []byte("city-")),
					bytes.Contains(append(p.key, p.value...), []byte("number-")):
					t.Errorf("the key %x has a key of a blind index", p.key)
				}
			}
			if rows != len(want) {
				t.Errorf("%d rows", rows)
			}

			// Without a key it is a store without blind indexes.
			_, err := datastore.Open(ctx, eng, clinic.definition)
			wantDifferences(t, err, "index city is blind, and the store has no key",
				"index number is blind, and the store has no key")
			s := openKeyed(t, eng, nil)
			info, err := s.Inspect().Store(ctx)
			if err != nil || len(info.Features.Incompatible) != 0 {
				t.Errorf("%+v, %v", info, err)
			}
			closeStore(t, s)
			tree := models.NewTree("patient", models.Uint64, func(p *patient) uint64 { return p.ID })
			byAge := models.NewIndex(tree, "age", models.Uint64, func(p *patient) uint64 { return p.Age })
			without := restored(t, newEngine, plain.Bytes())
			s, err = datastore.Open(ctx, without, models.NewDefinition("clinic", tree), datastore.OpenOptions{
				DropIndexes: []string{"clinic.patient/city", "clinic.patient/number"},
			})
			if err != nil {
				t.Fatal(err)
			}
			for id, p := range want {
				if got, err := tree.Get(ctx, s, id); err != nil || got != p {
					t.Errorf("%+v, %v, want %+v", got, err, p)
				}
			}
			if n, err := byAge.Count(ctx, s, models.Only(uint64(0))); n != 17 || err != nil {
				t.Errorf("%d rows, %v", n, err)
			}
			closeStore(t, s)

			// With a key, the one it had or another, it gets other hashes.
			for b, eng := range map[byte]engine.Engine{1: eng, 2: restored(t, newEngine, plain.Bytes())} {
				s := openPlain(t, eng, secretOf(b), clinic.definition)
				if err := clinic.check(ctx, s, want); err != nil {
					t.Error(err)
				}
				p := patient{ID: 100, City: "city-3", Number: "number-0100"}
				if err := clinic.patients.Put(ctx, s, &p); err != nil {
					t.Fatal(err)
				}
				if n := rotate(t, s); n != 50 {
					t.Errorf("%d rows were plain", n)
				}
				if report, err := datastore.Verify(ctx, s); err != nil || !report.Clean() || report.Entries != 51+51+41 {
					t.Errorf("%+v, %v", report, err)
				}
				closeStore(t, s)
				hashes := map[string]bool{}
				for _, hash := range former {
					hashes[string(hash)] = true
				}
				for _, hash := range hashesOf(t, eng) {
					if hashes[string(hash)] {
						t.Errorf("the hash %x is that of the store that was backed up", hash)
					}
				}
				found := false
				for _, p := range dump(t, eng) {
					found = found || binary.BigEndian.Uint16(p.key) == 0x0104
					if bytes.Contains(append(p.key, p.value...), []byte("number-")) {
						t.Errorf("the key %x shows a number after Rotate", p.key)
					}
				}
				if !found {
					t.Error("there is no data key")
				}
			}
		})
	}
}
