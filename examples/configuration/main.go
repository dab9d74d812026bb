// Configuration shows the options that every file engine takes, and the options of single
// engines. One line chooses another engine.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/models"
)

type Setting struct {
	Name  string
	Value string
}

var (
	Settings = models.NewTree("setting", models.String, func(s *Setting) string { return s.Name })

	App = models.NewDefinition("app", Settings)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "netabase-configuration-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	config := engine.Config{
		Path:    filepath.Join(dir, "db"),
		CacheMB: 64,   // of memory, where the engine has a cache of its own
		NoFsync: true, // a loss of power may take the last writes: only for data that can be replaced
	}
	eng := bolt.Options{Config: config}.Engine()
	// Or: eng := badger.Options{Config: config, MemTableMB: 4}.Engine()

	if err := write(ctx, eng, "colour", "green"); err != nil {
		return err
	}

	// A store opened read-only refuses writes, and can be open twice.
	config.ReadOnly = true
	readOnly := bolt.Options{Config: config}.Engine()
	err = write(ctx, readOnly, "colour", "red")
	fmt.Println("read only:", errors.Is(err, models.ErrReadOnly))

	// With MustExist, Open does not make a database if the path is mistyped.
	mistyped := engine.Config{Path: filepath.Join(dir, "bd"), MustExist: true}
	_, err = datastore.Open(ctx, badger.Options{Config: mistyped}.Engine(), App)
	fmt.Println("mistyped:", errors.Is(err, engine.ErrMissing))

	// Open reports every fault of a configuration at once.
	_, err = datastore.Open(ctx, bolt.Options{Config: engine.Config{CacheMB: -1}}.Engine(), App)
	fmt.Println(err)

	// To empty a database, set Truncate to a value whose name says so.
	config.ReadOnly, config.Truncate = false, engine.DestroyExistingData
	return write(ctx, bolt.Options{Config: config}.Engine(), "shape", "round")
}

// write stores one setting and prints all settings.
func write(ctx context.Context, eng engine.Engine, name, value string) (err error) {
	store, err := datastore.Open(ctx, eng, App)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := Settings.Put(ctx, store, &Setting{Name: name, Value: value}); err != nil {
		return err
	}
	for s, err := range Settings.All(ctx, store) {
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s is %s\n", eng.Name(), s.Name, s.Value)
	}
	return nil
}
