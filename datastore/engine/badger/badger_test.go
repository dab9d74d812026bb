package badger_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/enginetest"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) engine.Engine { return badger.Engine(t.TempDir()) })
}

func TestConfig(t *testing.T) {
	enginetest.RunConfig(t, func(c engine.Config) engine.Engine { return badger.Options{Config: c}.Engine() })
}

func TestPowerLoss(t *testing.T) {
	enginetest.RunPowerLoss(t, func(c engine.Config) engine.Engine {
		return badger.Options{Config: c, MemTableMB: 1, ReserveMB: 1}.Engine()
	})
}

func TestDamage(t *testing.T) {
	enginetest.RunDamage(t, func(c engine.Config) engine.Engine {
		return badger.Options{Config: c, MemTableMB: 1}.Engine()
	})
}

func TestDamageCompressed(t *testing.T) {
	enginetest.RunDamage(t, func(c engine.Config) engine.Engine {
		return badger.Options{Config: c, MemTableMB: 1, Compress: true}.Engine()
	})
}

func TestInvalidOptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	for _, o := range []badger.Options{
		{MemTableMB: -1},
		{MemTableMB: 513},
		{ReserveMB: -1},
	} {
		o.Path = path
		if db, err := o.Engine().Open(t.Context()); !errors.Is(err, engine.ErrConfig) {
			t.Errorf("%+v: Open returned %v, %v", o, db, err)
		}
	}
	// All faults are named at once.
	_, err := badger.Options{MemTableMB: -7, ReserveMB: -8}.Engine().Open(t.Context())
	for _, fault := range []string{"Path", "-7", "-8"} {
		if !strings.Contains(fmt.Sprint(err), fault) {
			t.Errorf("error %v does not tell about %s", err, fault)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was created: %v", err)
	}
}

// TestOneTransaction holds the defaults to what a bulk load relies on.
func TestOneTransaction(t *testing.T) {
	db := open(t, badger.Options{Config: engine.Config{Path: t.TempDir()}})
	commit(t, db, func(txn engine.WriteTxn) error {
		for i := range 5000 {
			err := errors.Join(
				txn.Put(fmt.Appendf(nil, "row/%08d", i), make([]byte, 300)),
				txn.Put(fmt.Appendf(nil, "index/some value %08d/%08d", i*7919%5000, i), make([]byte, 4)),
			)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if n := count(t, db); n != 10_000 {
		t.Errorf("%d rows", n)
	}
}

// TestLeastLimits checks that the smallest memtable takes what the contract promises.
func TestLeastLimits(t *testing.T) {
	limits := open(t, badger.Options{Config: engine.Config{Path: t.TempDir()}, MemTableMB: 1}).Limits()
	if limits.TxnOps < 1000 || limits.TxnBytes < 2*engine.MaxKeySize || limits.ValueBytes <= 8<<20 {
		t.Errorf("the limits are %+v", limits)
	}
}

func TestReservedKey(t *testing.T) {
	db := open(t, badger.Options{Config: engine.Config{Path: t.TempDir()}})
	commit(t, db, func(txn engine.WriteTxn) error {
		for _, key := range []string{"!badger!", "!badger!txn", "!badger/", "!badger/p"} {
			if err := txn.Put([]byte(key), nil); !errors.Is(err, badger.ErrReservedKey) {
				t.Errorf("Put returned %v", err)
			}
			if err := txn.Delete([]byte(key)); !errors.Is(err, badger.ErrReservedKey) {
				t.Errorf("Delete returned %v", err)
			}
			if _, err := txn.Get([]byte(key)); !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("Get returned %v", err)
			}
		}
		return txn.Put([]byte("!badger"), nil)
	})
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestReserve(t *testing.T) {
	options := badger.Options{Config: engine.Config{Path: t.TempDir()}}
	db := open(t, options)
	commit(t, db, func(txn engine.WriteTxn) error { return txn.Put([]byte("before"), nil) })
	db.Close()
	options.ReserveMB = 1 << 30
	db = open(t, options)
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := txn.Put([]byte("after"), nil); err != nil {
		t.Fatal(err)
	}
	if err := txn.Commit(t.Context(), engine.Durable); !errors.Is(err, engine.ErrNoSpace) {
		t.Errorf("Commit to a full disk returned %v", err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestLogger(t *testing.T) {
	var log bytes.Buffer
	db := open(t, badger.Options{
		Config: engine.Config{Path: t.TempDir()},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	db.Close()
	if !strings.Contains(log.String(), "badger: ") {
		t.Errorf("the log is %q", log.String())
	}
}

// TestCompress checks that the setting works, and can be changed.
func TestCompress(t *testing.T) {
	options := badger.Options{Config: engine.Config{Path: t.TempDir(), NoFsync: true, CacheMB: 1}, MemTableMB: 1}
	value := bytes.Repeat([]byte("the same all over again "), 40)
	var sizes []int64
	for round := range 4 {
		options.Compress = round%2 == 1
		db := open(t, options)
		var before int64
		if round > 0 {
			before = sizes[round-1]
		}
		for i := range 50 {
			commit(t, db, func(txn engine.WriteTxn) error {
				for j := range 50 {
					if err := txn.Put(fmt.Appendf(nil, "%d %04d", round, 50*i+j), value); err != nil {
						return err
					}
				}
				return nil
			})
		}
		db.Close()
		db = open(t, options)
		if n := count(t, db); n != (round+1)*2500 {
			t.Errorf("round %d: %d rows", round, n)
		}
		size := tableBytes(t, options.Path)
		sizes = append(sizes, size)
		if written := 2500 * int64(len(value)); options.Compress != (size-before < written/2) {
			t.Errorf("round %d: %d bytes of rows became %d bytes of tables", round, written, size-before)
		}
		db.Close()
	}
}

// TestCrash kills a process that has a database open, and opens it with a
// memtable that is too small for what there is to recover.
func TestCrash(t *testing.T) {
	const batches, batch = 30, 1000
	const pathVariable, sizeVariable = "NETABASE_CRASH_PATH", "NETABASE_CRASH_VALUE_SIZE"
	options := badger.Options{Config: engine.Config{Path: os.Getenv(pathVariable)}, MemTableMB: 8}
	if options.Path != "" {
		size, err := strconv.Atoi(os.Getenv(sizeVariable))
		if err != nil {
			t.Fatal(err)
		}
		db := open(t, options)
		for i := range batches {
			commit(t, db, func(txn engine.WriteTxn) error {
				for j := range batch {
					if err := txn.Put(fmt.Appendf(nil, "%05d", i*batch+j), make([]byte, size)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		fmt.Println("written")
		io.Copy(io.Discard, os.Stdin) // until killed
		return
	}
	for _, test := range []struct {
		name      string
		valueSize int
	}{{"Rows", 300}, {"KeysAlone", 0}} {
		t.Run(test.name, func(t *testing.T) {
			options := options
			options.Path = t.TempDir()
			writer := exec.Command(os.Args[0], "-test.run=^TestCrash$")
			writer.Env = append(os.Environ(), pathVariable+"="+options.Path, sizeVariable+"="+strconv.Itoa(test.valueSize))
			stdin, err := writer.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			stdout, err := writer.StdoutPipe()
			if err == nil {
				err = writer.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			writer.Process.Kill()
			writer.Wait()
			if line != "written\n" {
				t.Fatalf("the writer says %q, error %v", line, err)
			}

			options.ReadOnly = true
			if _, err := options.Engine().Open(t.Context()); !errors.Is(err, engine.ErrReadOnly) {
				t.Errorf("opening for reading only returned %v", err)
			}
			options.ReadOnly = false
			options.MemTableMB = 1
			recovered := open(t, options)
			if n := count(t, recovered); n != batches*batch {
				t.Errorf("%d rows, want %d", n, batches*batch)
			}
			commit(t, recovered, func(txn engine.WriteTxn) error { return txn.Put([]byte("and it"), []byte("goes on")) })
		})
	}
}

// TestEmptyLogs opens a database whose newest files a power loss has left
// without a size.
func TestEmptyLogs(t *testing.T) {
	options := badger.Options{Config: engine.Config{Path: t.TempDir()}}
	db := open(t, options)
	commit(t, db, func(txn engine.WriteTxn) error { return txn.Put([]byte("key"), nil) })
	db.Close()
	for _, name := range []string{"00009.mem", "000009.vlog"} {
		if err := os.WriteFile(filepath.Join(options.Path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, open(t, options)); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// TestMissingFiles checks that tables are not taken for left-overs, and deleted,
// where the manifest has gone.
func TestMissingFiles(t *testing.T) {
	for _, missing := range []string{"MANIFEST", "000001.sst"} {
		t.Run(missing, func(t *testing.T) {
			options := badger.Options{Config: engine.Config{Path: t.TempDir()}}
			db := open(t, options)
			commit(t, db, func(txn engine.WriteTxn) error { return txn.Put([]byte("key"), nil) })
			db.Close()
			before := names(t, options.Path)
			if err := os.Rename(filepath.Join(options.Path, missing), filepath.Join(t.TempDir(), missing)); err != nil {
				t.Fatal(err)
			}
			if _, err := options.Engine().Open(t.Context()); !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("Open returned %v", err)
			}
			before = slices.DeleteFunc(before, func(name string) bool { return name == missing })
			if after := names(t, options.Path); !slices.Equal(before, after) {
				t.Errorf("there were %v, there are %v", before, after)
			}
		})
	}
}

// TestManyWriters has the memtable rotate while many commit durably.
func TestManyWriters(t *testing.T) {
	db := open(t, badger.Options{Config: engine.Config{Path: t.TempDir()}, MemTableMB: 1, ReserveMB: 1})
	const writers, each = 16, 30
	value := make([]byte, 20_000)
	for i := range value {
		value[i] = byte(rand.Uint32())
	}
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for i := range each {
				txn, err := db.Update(t.Context())
				if err == nil {
					if err = txn.Put(fmt.Appendf(nil, "%d %d", writer, i), value); err == nil {
						err = txn.Commit(t.Context(), engine.Durable)
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if n := count(t, db); n != writers*each {
		t.Errorf("%d rows", n)
	}
}

func open(t *testing.T, options badger.Options) engine.DB {
	t.Helper()
	db, err := options.Engine().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func commit(t *testing.T, db engine.DB, fn func(txn engine.WriteTxn) error) {
	t.Helper()
	txn, err := db.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	if err := errors.Join(fn(txn), txn.Commit(t.Context(), engine.Durable)); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db engine.DB) (n int) {
	t.Helper()
	txn, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Discard()
	c := txn.Cursor(engine.Range{})
	defer c.Close()
	for c.Next() {
		n++
	}
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

func names(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func tableBytes(t *testing.T, path string) (size int64) {
	t.Helper()
	for _, name := range names(t, path) {
		if filepath.Ext(name) == ".sst" {
			info, err := os.Stat(filepath.Join(path, name))
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
		}
	}
	return size
}

func TestFullDisk(t *testing.T) {
	enginetest.RunFullDisk(t, func(c engine.Config) engine.Engine {
		return badger.Options{Config: c, MemTableMB: 1}.Engine()
	}, 112)
}
