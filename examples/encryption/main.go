// Encryption keeps a store that nobody can read without its key, finds rows in it by a name that is
// not in the files either, and changes both of its keys while the store is in use.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/models"
)

type Patient struct {
	ID   uint64
	Name string
	Year uint64
	Note string
}

var (
	Patients = models.NewTree("patient", models.Uint64, func(p *Patient) uint64 { return p.ID })

	// Years can be read in the files of the store, since an index keeps their order. Names cannot.
	PatientByYear = models.NewIndex(Patients, "year", models.Uint64, func(p *Patient) uint64 { return p.Year })
	PatientByName = models.NewBlind(Patients, "name", models.String, func(p *Patient) string { return p.Name })

	Clinic = models.NewDefinition("clinic", Patients)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "encryption-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	eng := bolt.Engine(dir)

	secret := make([]byte, 32) // keep it where the store is not
	_, _ = rand.Read(secret)   // never fails
	key := datastore.SecretKey(secret)
	store, err := datastore.Open(ctx, eng, Clinic, datastore.OpenOptions{Key: key})
	if err != nil {
		return err
	}
	if err := errors.Join(fill(ctx, store), find(ctx, store), store.Close()); err != nil {
		return err
	}
	if err := errors.Join(search(dir, "Kwame Mensah"), search(dir, "penicillin")); err != nil {
		return err
	}
	if err := refused(ctx, eng); err != nil {
		return err
	}
	return renew(ctx, eng, key)
}

func fill(ctx context.Context, store *datastore.Store) error {
	patients := make([]Patient, 1000)
	for i := range patients {
		id := uint64(i)
		patients[i] = Patient{ID: id, Name: fmt.Sprint("patient ", id), Year: 1950 + id%60}
	}
	patients[7].Name, patients[7].Note = "Kwame Mensah", "allergic to penicillin"
	return Patients.PutMany(ctx, store, patients)
}

// find finds rows by a name that the store has only a keyed hash of.
func find(ctx context.Context, store *datastore.Store) error {
	for p, err := range PatientByName.Find(ctx, store, "Kwame Mensah") {
		if err != nil {
			return err
		}
		fmt.Printf("%s, born in %d: %s\n", p.Name, p.Year, p.Note)
	}
	return nil
}

// search looks for a text in all files of the store.
func search(dir, text string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	found := false
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		found = found || bytes.Contains(content, []byte(text))
	}
	fmt.Printf("%q is in the files: %t\n", text, found)
	return nil
}

// refused opens the store without its key, and with another one.
func refused(ctx context.Context, eng engine.Engine) error {
	_, err := datastore.Open(ctx, eng, Clinic)
	if !errors.Is(err, datastore.ErrNoKey) {
		return fmt.Errorf("without a key: %w", err)
	}
	fmt.Println(err)
	_, err = datastore.Open(ctx, eng, Clinic, datastore.OpenOptions{Key: datastore.Passphrase([]byte("a guess"))})
	if !errors.Is(err, datastore.ErrWrongKey) {
		return fmt.Errorf("with another key: %w", err)
	}
	fmt.Println("another key: refused")
	return nil
}

// renew gives the store another key, and has its rows encrypted anew while it is in use.
func renew(ctx context.Context, eng engine.Engine, key datastore.Key) error {
	store, err := datastore.Open(ctx, eng, Clinic, datastore.OpenOptions{Key: key})
	if err != nil {
		return err
	}
	passphrase := datastore.Passphrase([]byte("correct horse battery staple"))
	if err := store.ChangeKey(ctx, passphrase); err != nil {
		return errors.Join(err, store.Close())
	}
	rotated := make(chan error, 1)
	go func() {
		_, err := store.Rotate(ctx)
		rotated <- err
	}()
	busy := find(ctx, store)
	if err := errors.Join(busy, <-rotated, store.Close()); err != nil {
		return err
	}

	if _, err := datastore.Open(ctx, eng, Clinic, datastore.OpenOptions{Key: key}); !errors.Is(err, datastore.ErrWrongKey) {
		return fmt.Errorf("with the old key: %w", err)
	}
	store, err = datastore.Open(ctx, eng, Clinic, datastore.OpenOptions{Key: passphrase})
	if err != nil {
		return err
	}
	n, err := PatientByYear.Count(ctx, store, models.From(uint64(2000)))
	fmt.Println("born since 2000:", n)
	return errors.Join(err, store.Close())
}
