package datastore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ds "github.com/ipfs/go-datastore"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// secretOf returns a key of 32 bytes.
func secretOf(b byte) datastore.Key { return datastore.SecretKey(bytes.Repeat([]byte{b}, 32)) }

// with returns options of opening a store with a key.
func with(key datastore.Key, definitions ...*models.Definition) datastore.OpenOptions {
	return datastore.OpenOptions{Key: key, Definitions: definitions}
}

func openKeyed(t testing.TB, eng engine.Engine, key datastore.Key, definitions ...*models.Definition) *datastore.Store {
	t.Helper()
	s, err := datastore.Open(t.Context(), eng, with(key, definitions...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// vaultKey is a Key of a program, as one of a key management service. It keeps what it was given.
type vaultKey struct {
	inner datastore.Key
	err   error
}

func (k *vaultKey) Wrap(ctx context.Context, secret, purpose []byte) ([]byte, error) {
	if k.err != nil {
		return nil, k.err
	}
	wrapped, err := k.inner.Wrap(ctx, secret, purpose)
	return append([]byte("vault:"), wrapped...), err
}

func (k *vaultKey) Unwrap(ctx context.Context, wrapped, purpose []byte) ([]byte, error) {
	if k.err != nil {
		return nil, k.err
	}
	return k.inner.Unwrap(ctx, bytes.TrimPrefix(wrapped, []byte("vault:")), purpose)
}

// A store opens with its key and with no other, and says which of both is the matter.
func TestKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("it has nothing for the race detector, and takes long there")
	}
	ctx := t.Context()
	down := errors.New("the vault does not answer")
	for name, test := range map[string]struct {
		key   datastore.Key
		wrong map[string]datastore.Key
	}{
		"secret": {secretOf(1), map[string]datastore.Key{
			"another": secretOf(2), "a passphrase": datastore.Passphrase(bytes.Repeat([]byte{1}, 32)),
			"a function": &vaultKey{inner: secretOf(1)},
		}},
		"passphrase": {datastore.Passphrase([]byte("open sesame")), map[string]datastore.Key{
			"another": datastore.Passphrase([]byte("open sesam")), "a secret": secretOf(1),
		}},
		"function": {&vaultKey{inner: secretOf(1)}, map[string]datastore.Key{
			"another": &vaultKey{inner: secretOf(2)}, "a secret": secretOf(1),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eng := memory.Engine()
			s := openKeyed(t, eng, test.key, town)
			fillTown(t, s, 5)
			closeStore(t, s)
			before := dump(t, eng)
			refused := func(what string, key datastore.Key, want error) {
				t.Helper()
				for _, options := range [][]datastore.OpenOption{{with(key, town)}, {with(key)}} {
					if _, err := datastore.Open(ctx, eng, options...); !errors.Is(err, want) {
						t.Errorf("%s: %v", what, err)
					}
				}
				if want == datastore.ErrNoKey {
					return
				}
				if _, err := datastore.Inspect(ctx, eng, datastore.InspectOptions{Key: key}); !errors.Is(err, want) {
					t.Errorf("inspecting with %s: %v", what, err)
				}
			}
			refused("no key", nil, datastore.ErrNoKey)
			for what, key := range test.wrong {
				refused(what, key, datastore.ErrWrongKey)
			}
			refused("a key that cannot work now", &vaultKey{err: down}, map[bool]error{true: down, false: datastore.ErrWrongKey}[name == "function"])
			if after := dump(t, eng); len(after) != len(before) || !slices.EqualFunc(after, before, func(a, b pair) bool {
				return bytes.Equal(a.key, b.key) && bytes.Equal(a.value, b.value)
			}) {
				t.Error("the store has been changed")
			}
			s = openKeyed(t, eng, test.key, town)
			if p, err := people.Get(ctx, s, 3); err != nil || p.Email != somebody(3).Email {
				t.Errorf("%+v, %v", p, err)
			}
			closeStore(t, s)
		})
	}
	for name, key := range map[string]datastore.Key{
		"no bytes": datastore.SecretKey(nil), "few bytes": datastore.SecretKey(make([]byte, 31)),
		"many bytes": datastore.SecretKey(make([]byte, 33)), "an empty passphrase": datastore.Passphrase(nil),
	} {
		if _, err := datastore.Open(ctx, memory.Engine(), with(key)); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := datastore.Open(ctx, memory.Engine(), with(&vaultKey{err: down})); !errors.Is(err, down) {
		t.Errorf("a new store: %v", err)
	}
}

// diaryNote is a model whose text is easy to find.
type diaryNote struct {
	ID     uint64
	Author string
	Text   string
}

var (
	diaryNotes  = models.NewTree("note", models.Uint64, func(n *diaryNote) uint64 { return n.ID })
	byAuthor    = models.NewIndex(diaryNotes, "author", models.String, func(n *diaryNote) string { return n.Author })
	packedNotes = models.NewTree("packed", models.Uint64, func(n *diaryNote) uint64 { return n.ID }, models.WithCompression[diaryNote]())
	diary       = models.NewDefinition("diary", diaryNotes, packedNotes)
)

// needle is what a value has that is to be found in no file.
func needle(kind string, i uint64) string {
	return fmt.Sprintf("needle-%s-%06d-in-a-haystack", kind, i)
}

func noteOf(kind string, i uint64) diaryNote {
	return diaryNote{ID: i, Author: fmt.Sprintf("author %d", i%5), Text: needle(kind, i)}
}

// searchFiles fails the test for every file below a directory that has one of some bytes, or none of
// others.
func searchFiles(t *testing.T, dir string, secret [][]byte, public []byte) {
	t.Helper()
	found, files := false, 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		found = found || bytes.Contains(content, public)
		for _, s := range secret {
			if at := bytes.Index(content, s); at >= 0 {
				t.Errorf("%s has %q at %d", filepath.Base(path), s, at)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Errorf("none of %d files has %q: the search is for nothing", files, public)
	}
}

// No file of a store has anything of a value, whatever has been done to it.
func TestFilesOfEncryptedStores(t *testing.T) {
	skipShort(t)
	ctx := t.Context()
	for name, newEngine := range map[string]func(dir string) engine.Engine{
		"bolt": func(dir string) engine.Engine {
			return bolt.Options{Config: engine.Config{Path: dir, NoFsync: true}}.Engine()
		},
		"badger": func(dir string) engine.Engine {
			return badger.Options{Config: engine.Config{Path: dir, NoFsync: true}, MemTableMB: 8}.Engine()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			eng := newEngine(dir)
			s := openKeyed(t, eng, secretOf(1), diary)
			check := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			for i := range uint64(200) {
				n := noteOf("put", i)
				check(diaryNotes.Put(ctx, s, &n))
				n.Text = needle("replaced", i)
				check(diaryNotes.Replace(ctx, s, &n))
			}
			check(diaryNotes.Modify(ctx, s, 7, func(n *diaryNote) error { n.Text = needle("modified", 7); return nil }))
			check(diaryNotes.DeleteMany(ctx, s, []uint64{1, 2, 3}))
			rows := func(yield func(diaryNote, error) bool) {
				for i := range uint64(3000) {
					if !yield(noteOf("imported", 1000+i), nil) {
						return
					}
				}
			}
			for _, tree := range []*models.Tree[diaryNote, uint64]{diaryNotes, packedNotes} { // enough for a dictionary
				_, err := datastore.Import(ctx, s, tree, rows)
				check(err)
			}
			check(packedNotes.PutMany(ctx, s, []diaryNote{noteOf("compressed", 1), noteOf("compressed", 2)}))
			face := s.Datastore()
			check(face.Put(ctx, ds.NewKey("/plain"), []byte(needle("face", 1))))
			large := strings.Repeat(needle("large", 1), 10_000) // Badger keeps it in a file of its own
			check(face.Put(ctx, ds.NewKey("/large"), []byte(large)))
			batch, err := face.Batch(ctx)
			check(err)
			check(batch.Put(ctx, ds.NewKey("/batch"), []byte(needle("batch", 1))))
			check(batch.Commit(ctx))
			var stream bytes.Buffer
			_, err = s.Backup(ctx, &stream)
			check(err)
			check(os.WriteFile(filepath.Join(dir, "backup.test"), stream.Bytes(), 0o600))
			secret := [][]byte{[]byte("needle-"), []byte("-in-a-haystack"), []byte("-001234-in")}
			searchFiles(t, dir, secret, []byte("author 3"))
			check(s.Compact(ctx))
			closeStore(t, s)
			searchFiles(t, dir, secret, []byte("author 3"))

			s = openKeyed(t, eng, secretOf(1), diary)
			if n, err := diaryNotes.Get(ctx, s, 7); err != nil || n.Text != needle("modified", 7) {
				t.Errorf("%+v, %v", n, err)
			}
			if n, err := packedNotes.Get(ctx, s, 2); err != nil || n.Text != needle("compressed", 2) {
				t.Errorf("%+v, %v", n, err)
			}
			if n, err := byAuthor.First(ctx, s, models.Only("author 3")); err != nil || n.Author != "author 3" {
				t.Errorf("%+v, %v", n, err)
			}
			got, err := s.Datastore().Get(ctx, ds.NewKey("/large"))
			if err != nil || string(got) != large {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if report, err := datastore.Verify(ctx, s); err != nil || !report.Clean() {
				t.Errorf("%+v, %v", report, err)
			}
			closeStore(t, s)
		})
	}
}
