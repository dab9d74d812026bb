package datastore_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// resealed returns what is stored at key with other bytes before the checksum, which is right.
func resealed(key, body []byte) pair {
	return pair{bytes.Clone(key), format.AppendChecksum(bytes.Clone(body), key)}
}

// townWith returns an engine with an encrypted store of people, and what is stored of one of them.
func townWith(t *testing.T, key datastore.Key, id uint64) (engine.Engine, pair) {
	t.Helper()
	eng := memory.Engine()
	s := openKeyed(t, eng, key, town)
	fillTown(t, s, 10)
	closeStore(t, s)
	for _, p := range dump(t, eng) {
		if bytes.Equal(p.key, personKey(id)) {
			return eng, p
		}
	}
	t.Fatal("the row is missing")
	return nil, pair{}
}

// Every way of reading a row notices that somebody without the key has changed it, and tells that from
// damage. Repair sets the row aside.
func TestTampering(t *testing.T) {
	ctx := t.Context()
	plainOf := func(t *testing.T, id uint64) []byte {
		_, p := townWith(t, nil, id)
		return p.value[:len(p.value)-format.ChecksumSize]
	}
	for name, tamper := range map[string]func(t *testing.T, all map[string][]byte, own []byte) pair{
		"a row of another key": func(t *testing.T, all map[string][]byte, own []byte) pair {
			other := all[string(personKey(4))]
			return resealed(own, other[:len(other)-format.ChecksumSize])
		},
		"a row without encryption": func(t *testing.T, _ map[string][]byte, own []byte) pair {
			return resealed(own, plainOf(t, 3))
		},
		"a flipped bit of the ciphertext": func(t *testing.T, all map[string][]byte, own []byte) pair {
			body := bytes.Clone(all[string(own)])
			body[len(body)-format.ChecksumSize-20] ^= 1
			return resealed(own, body[:len(body)-format.ChecksumSize])
		},
		"a flipped bit of the nonce": func(t *testing.T, all map[string][]byte, own []byte) pair {
			body := bytes.Clone(all[string(own)])
			body[5] ^= 0x80
			return resealed(own, body[:len(body)-format.ChecksumSize])
		},
		"an expiry": func(t *testing.T, all map[string][]byte, own []byte) pair {
			row, err := format.ParseRow(own, all[string(own)])
			if err != nil {
				t.Fatal(err)
			}
			row.Expiry = 1 << 62
			return resealed(own, append(format.AppendRowHeader(nil, row.Header), row.Value...))
		},
		"another key's number": func(t *testing.T, all map[string][]byte, own []byte) pair {
			row, err := format.ParseRow(own, all[string(own)])
			if err != nil {
				t.Fatal(err)
			}
			row.Key += 5
			return resealed(own, append(format.AppendRowHeader(nil, row.Header), row.Value...))
		},
		"a row of another store": func(t *testing.T, _ map[string][]byte, own []byte) pair {
			_, p := townWith(t, secretOf(1), 3)
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			eng, own := townWith(t, secretOf(1), 3)
			all := map[string][]byte{}
			for _, p := range dump(t, eng) {
				all[string(p.key)] = p.value
			}
			putAll(t, eng, []pair{tamper(t, all, own.key)})

			s := openKeyed(t, eng, secretOf(1), town)
			tampered := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, models.ErrTampered) || errors.Is(err, models.ErrCorrupt) {
					t.Errorf("%s: %v", what, err)
				}
			}
			p := somebody(3)
			_, err := people.Get(ctx, s, 3)
			tampered("get", err)
			_, err = byEmail.Get(ctx, s, p.Email)
			tampered("get by index", err)
			tampered("range", drain(people.All(ctx, s)))
			tampered("find", drain(byName.Find(ctx, s, p.Name)))
			tampered("borrow", people.Borrow(ctx, s, 3, func(models.BorrowedRow) error { return nil }))
			tampered("put", people.Put(ctx, s, &p))
			tampered("modify", people.Modify(ctx, s, 3, func(*person) error { return nil }))
			tampered("delete", people.Delete(ctx, s, 3))
			_, err = s.Rotate(ctx)
			tampered("rotate", err)
			key, err := people.Raw().ParsePathText(people.PathText(3))
			if err != nil {
				t.Fatal(err)
			}
			_, err = people.Raw().Get(ctx, s, key)
			tampered("raw get", err)
			for row, err := range s.Inspect().Rows(ctx, people.Name()) {
				if err != nil || (row.Key == "3") != (row.Err != nil) {
					t.Errorf("inspect: %+v, %v", row, err)
				}
				if row.Key == "3" {
					tampered("inspect", row.Err)
				}
			}
			if p, err := people.Get(ctx, s, 4); err != nil || p.Email != somebody(4).Email {
				t.Errorf("another row: %+v, %v", p, err)
			}
			report, err := datastore.Verify(ctx, s)
			if err != nil || report.BadRows != 1 {
				t.Fatalf("verify: %+v, %v", report, err)
			}
			at := slices.IndexFunc(report.Damage, func(d datastore.Damage) bool { return d.Kind == datastore.BadRow })
			if d := report.Damage[at]; d.Tree != people.Name() || d.Text != "3" {
				t.Errorf("verify: %+v", d)
			} else {
				tampered("verify", d.Err)
			}
			if report, err := datastore.Repair(ctx, s); err != nil || report.Left() != 0 {
				t.Errorf("repair: %+v, %v", report, err)
			}
			for q, err := range s.Quarantine(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				tampered("quarantine", q.Err)
				tampered("restore from the quarantine", s.RestoreQuarantined(ctx, q.Key))
			}
			if err := people.Put(ctx, s, &p); err != nil {
				t.Error(err)
			}
			if _, err := s.Rotate(ctx); err != nil {
				t.Error(err)
			}
			closeStore(t, s)
		})
	}
}

// A damaged row is damaged in an encrypted store too, which can be told without the key.
func TestDamageOfEncryptedRows(t *testing.T) {
	ctx := t.Context()
	eng, own := townWith(t, secretOf(1), 3)
	own.value[len(own.value)-30] ^= 1
	putAll(t, eng, []pair{own})
	s := openKeyed(t, eng, secretOf(1), town)
	if _, err := people.Get(ctx, s, 3); !errors.Is(err, models.ErrCorrupt) || errors.Is(err, models.ErrTampered) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	in, err := datastore.Inspect(ctx, eng)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	n := 0
	for row, err := range in.Rows(ctx, people.Name()) {
		want := datastore.ErrNoKey
		if row.Key == "3" {
			want = models.ErrCorrupt
		}
		if err != nil || !errors.Is(row.Err, want) {
			t.Errorf("%+v, %v", row, err)
		}
		n++
	}
	if n != 10 {
		t.Errorf("%d rows", n)
	}
}

// A backup of an encrypted store is encrypted, and restoring it needs no key. A plain one has nothing
// of the encryption.
func TestBackupOfEncryptedStores(t *testing.T) {
	ctx := t.Context()
	eng := memory.Engine()
	s := openKeyed(t, eng, secretOf(1), diary)
	fillDiary(t, s)
	restore := func(o datastore.BackupOptions) engine.Engine {
		t.Helper()
		var stream bytes.Buffer
		if _, err := s.Backup(ctx, &stream, o); err != nil {
			t.Fatal(err)
		}
		if found := bytes.Contains(stream.Bytes(), []byte("needle-")); found != o.Plain {
			t.Errorf("plain: %t, the needle is there: %t", o.Plain, found)
		}
		to := memory.Engine()
		if _, err := datastore.Restore(ctx, to, &stream); err != nil {
			t.Fatal(err)
		}
		return to
	}
	to := restore(datastore.BackupOptions{})
	if _, err := datastore.Open(ctx, to, diary); !errors.Is(err, datastore.ErrNoKey) {
		t.Error(err)
	}
	r := openKeyed(t, to, secretOf(1), diary)
	checkDiary(t, r)
	closeStore(t, r)
	if rows, catalog := dataKeysOf(t, to); len(rows) != 1 || rows[1] == 0 || len(catalog) != 1 {
		t.Errorf("rows by key: %v, keys %v", rows, catalog)
	}
	to = restore(datastore.BackupOptions{Plain: true})
	r = openKeyed(t, to, nil, diary)
	checkDiary(t, r)
	info, err := r.Inspect().Store(ctx)
	if err != nil || len(info.Features.Incompatible) != 0 {
		t.Errorf("%+v, %v", info, err)
	}
	closeStore(t, r)
	if rows, catalog := dataKeysOf(t, to); len(rows) != 1 || rows[0] == 0 || len(catalog) != 0 {
		t.Errorf("rows by key: %v, keys %v", rows, catalog)
	}
	closeStore(t, s)
	if _, err := datastore.Restore(ctx, memory.Engine(), bytes.NewReader(nil), datastore.BackupOptions{Plain: true}); !errors.Is(err, models.ErrInvalid) {
		t.Error(err)
	}

	// A row that somebody has put there without encryption does not become one among others.
	n := diaryNote{ID: 3, Text: "forged"}
	body := format.AppendRowHeader(nil, format.Header{Schema: 1})
	if body, err = models.DagCBOR[diaryNote]().Append(body, &n); err != nil {
		t.Fatal(err)
	}
	putAll(t, eng, []pair{resealed([]byte{64, 0, 0, 0, 0, 0, 0, 0, 3}, body)})
	s = openKeyed(t, eng, secretOf(1), diary)
	if _, err := s.Backup(ctx, new(bytes.Buffer), datastore.BackupOptions{Plain: true}); !errors.Is(err, models.ErrTampered) {
		t.Error(err)
	}
	r = openKeyed(t, restore(datastore.BackupOptions{}), secretOf(1), diary)
	if n, err := diaryNotes.Get(ctx, r, 3); !errors.Is(err, models.ErrTampered) {
		t.Errorf("%+v, %v", n, err)
	}
	if err := errors.Join(r.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
}
