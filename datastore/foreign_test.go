package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// peerNote is diaryNote in a peer's later version of the program.
type peerNote struct {
	ID     uint64
	Author string
	Text   string
	Mood   string
	Places []string
}

// A note of a peer keeps its unknown fields when the note is changed, however rows are stored.
func TestUnknownFieldsStay(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	const rows = 2500 // enough for a dictionary
	for name, how := range map[string]struct {
		key      datastore.Key
		compress bool
	}{
		"plain": {}, "compressed": {compress: true}, "encrypted": {key: secretOf(1)},
		"compressed and encrypted": {secretOf(1), true},
	} {
		t.Run(name, func(t *testing.T) {
			options := []models.TreeOption[diaryNote]{models.WithPolicy[diaryNote](models.Open)}
			if how.compress {
				options = append(options, models.WithCompression[diaryNote]())
			}
			notes := models.NewTree("note", models.Uint64, func(n *diaryNote) uint64 { return n.ID }, options...)
			authors := models.NewIndex(notes, "author", models.String, func(n *diaryNote) string { return n.Author })
			eng, ctx, raw := memory.Engine(), t.Context(), notes.Raw()
			definition := models.NewDefinition("diary", notes)
			s := openKeyed(t, eng, how.key, definition)
			if _, err := datastore.Import(ctx, s, notes, func(yield func(diaryNote, error) bool) {
				for i := uint64(0); i < rows && yield(noteOf("own", i), nil); i++ {
				}
			}); err != nil {
				t.Fatal(err)
			}
			ofPeer := func(id uint64, author string) peerNote {
				return peerNote{id, author, needle("peer", id), "cheerful", []string{"Accra", "Lagos"}}
			}
			valueOf := func(n peerNote) []byte {
				t.Helper()
				value, err := models.DagCBOR[peerNote]().Append(nil, &n)
				if err != nil {
					t.Fatal(err)
				}
				return value
			}
			modify := func(author string) func(context.Context, *datastore.WriteTx, uint64) error {
				return func(ctx context.Context, tx *datastore.WriteTx, id uint64) error {
					return notes.Modify(ctx, tx, id, func(n *diaryNote) error { n.Author = author; return nil })
				}
			}
			changes := []func(context.Context, *datastore.WriteTx, uint64) error{
				modify("modified"),
				modify("peer"), // as it was
				func(ctx context.Context, tx *datastore.WriteTx, id uint64) error {
					return notes.Upsert(ctx, tx, id, func(n *diaryNote, found bool) (bool, error) {
						n.Author = "upserted"
						return found, nil
					})
				},
				func(ctx context.Context, tx *datastore.WriteTx, id uint64) error { // as record.Publish does
					key := models.Uint64.AppendLast(nil, id)
					before, err := raw.Get(ctx, tx, key)
					if err != nil {
						return err
					}
					_, value, err := notes.Encode(&diaryNote{id, "published", needle("peer", id)})
					if err == nil {
						value, err = raw.WithUnknown(key, value, before)
					}
					if err != nil {
						return err
					}
					return raw.Put(ctx, tx, key, value)
				},
			}
			become := []string{"modified", "peer", "upserted", "published"}
			for i := range changes {
				id := rows + uint64(i)
				if err := raw.Put(ctx, s, models.Uint64.AppendLast(nil, id), valueOf(ofPeer(id, "peer"))); err != nil {
					t.Fatal(err)
				}
			}
			closeStore(t, s)
			foreign := 0
			for _, p := range dump(t, eng) {
				if !bytes.HasPrefix(p.key, []byte{64}) {
					continue
				}
				row, err := format.ParseRow(p.key, p.value)
				if err != nil {
					t.Fatal(err)
				}
				if row.Foreign {
					foreign++
					if (row.Dictionary != 0) != how.compress || (row.Key != 0) != (how.key != nil) {
						t.Errorf("the row of a peer has the header %+v", row.Header)
					}
				}
			}
			if foreign != len(changes) {
				t.Fatalf("%d rows are those of a peer", foreign)
			}

			s = openKeyed(t, eng, how.key, definition)
			for i, change := range changes {
				id := rows + uint64(i)
				for range 2 { // the second finds what the first has left
					err := s.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error { return change(ctx, tx, id) })
					if err != nil {
						t.Errorf("%s: %v", become[i], err)
					}
				}
				got, err := raw.Get(ctx, s, models.Uint64.AppendLast(nil, id))
				if want := valueOf(ofPeer(id, become[i])); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: the value is %q, %v, want %q", become[i], got, err, want)
				}
			}
			for _, author := range become {
				if n, err := authors.Count(ctx, s, models.Only(author)); n != 1 || err != nil {
					t.Errorf("%d rows are %s, %v", n, author, err)
				}
			}
			report, err := datastore.Verify(ctx, s)
			if err := errors.Join(err, s.Close()); err != nil || !report.Clean() {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
}
