//go:build unix

package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	ds "github.com/ipfs/go-datastore"
	badger4 "github.com/ipfs/go-ds-badger4"
	pebbleds "github.com/ipfs/go-ds-pebble"
	"github.com/ipfs/go-libdht/kad/key/bitstr"
	kad "github.com/libp2p/go-libp2p-kad-dht/provider/keystore"
	"github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/record/keystore"
)

// resettable is a key store that can be reset.
type resettable interface {
	kad.Keystore
	ResetCids(ctx context.Context, cids <-chan cid.Cid) error
}

// keystores open key stores over a database in dir. Again opens another one over the same
// database, as after an end of the process without Close.
var keystores = []struct {
	name string
	open func(dir string) (again func() (resettable, error), end func() error, err error)
}{
	{"netabase badger", ourKeystore(badger.Engine)},
	{"netabase bolt", ourKeystore(bolt.Engine)},
	{"kad-dht on go-ds-badger4", theirKeystore(func(dir string) (ds.Batching, error) {
		options := badger4.DefaultOptions
		options.Logger = nil
		return badger4.NewDatastore(dir, &options)
	})},
	{"kad-dht on go-ds-pebble", theirKeystore(func(dir string) (ds.Batching, error) { return pebbleds.NewDatastore(dir) })},
	{"kad-dht on netabase badger", theirKeystore(func(dir string) (ds.Batching, error) {
		store, err := datastore.Open(context.Background(), badger.Engine(dir))
		if err != nil {
			return nil, err
		}
		return closing{store.Datastore(), store}, nil
	})},
}

// closing is a datastore that closes its store.
type closing struct {
	*datastore.Face
	store *datastore.Store
}

func (c closing) Close() error { return c.store.Close() }

func ourKeystore(eng func(dir string) engine.Engine) func(string) (func() (resettable, error), func() error, error) {
	return func(dir string) (func() (resettable, error), func() error, error) {
		store, err := datastore.Open(context.Background(), eng(dir), keystore.Definition)
		if err != nil {
			return nil, nil, err
		}
		return func() (resettable, error) { return keystore.New(context.Background(), store, "provide") }, store.Close, nil
	}
}

func theirKeystore(open func(dir string) (ds.Batching, error)) func(string) (func() (resettable, error), func() error, error) {
	return func(dir string) (func() (resettable, error), func() error, error) {
		d, err := open(dir)
		if err != nil {
			return nil, nil, err
		}
		return func() (resettable, error) { return kad.NewResettableKeystore(d) }, d.Close, nil
	}
}

// keystoreKeys is how many keys the key stores have.
const keystoreKeys = 200_000

// BenchmarkKeystores measures the CPU time, user and system, that key stores for kad-dht's
// sweeping provider take, and the disk:
//
//	TMPDIR=/dev/shm go test ./compare -run '^$' -bench Keystores -benchtime 1x
//
// put adds keys, 1,024 to a call; put-again adds them again. get asks for those under a prefix
// of 12 bits, about 50; count whether there are more than two. open opens the key store and asks
// for the size after a process that has not closed it. reset replaces all keys by as many, of
// which a tenth are new. disk is bytes for a key before the reset, and peak at its highest.
func BenchmarkKeystores(b *testing.B) {
	for _, k := range keystores {
		b.Run(k.name, func(b *testing.B) {
			for range b.N {
				dir := b.TempDir()
				again, end, err := k.open(dir)
				if err != nil {
					b.Fatal(err)
				}
				benchKeystore(b, dir, again)
				if err := end(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func benchKeystore(b *testing.B, dir string, again func() (resettable, error)) {
	ctx := b.Context()
	first, err := again()
	if err != nil {
		b.Fatal(err)
	}
	defer first.Close()
	measure := func(name string, ops int, unit time.Duration, of string, do func() error) {
		b.Helper()
		runtime.GC()
		began := cpuTime()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(cpuTime()-began)/float64(unit)/float64(ops), of+"/"+name)
	}
	all := make([]multihash.Multihash, keystoreKeys)
	for i := range all {
		all[i] = benchHash(i)
	}
	put := func() error {
		for rest := all; len(rest) > 0; rest = rest[min(1024, len(rest)):] {
			if _, err := first.Put(ctx, rest[:min(1024, len(rest))]...); err != nil {
				return err
			}
		}
		return nil
	}
	measure("put", len(all), time.Microsecond, "µs", put)
	measure("put-again", len(all), time.Microsecond, "µs", put)
	random := rand.New(rand.NewPCG(1, 2))
	prefix := func() bitstr.Key { return bitstr.Key(fmt.Sprintf("%012b", random.IntN(1<<12))) }
	const lookups = 2000
	measure("get", lookups, time.Microsecond, "µs", func() error {
		found := 0
		for range lookups {
			under, err := first.Get(ctx, prefix())
			if err != nil {
				return err
			}
			found += len(under)
		}
		if found < lookups*40 {
			return fmt.Errorf("only %d keys were found", found)
		}
		return nil
	})
	measure("count", lookups, time.Microsecond, "µs", func() error {
		for range lookups {
			if n, err := first.CountKeysUpTo(ctx, prefix(), 3); err != nil || n != 3 {
				return fmt.Errorf("%d are counted, %w", n, err)
			}
		}
		return nil
	})
	measure("open", 1, time.Millisecond, "ms", func() error {
		second, err := again()
		if err != nil {
			return err
		}
		defer second.Close()
		if n, err := second.Size(ctx); err != nil || n != len(all) {
			return fmt.Errorf("the size is %d, %w", n, err)
		}
		return nil
	})
	before := diskOf(b, dir)
	b.ReportMetric(float64(before)/keystoreKeys, "B/disk")
	var peak atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			peak.Store(max(peak.Load(), diskOf(b, dir)))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	measure("reset", len(all), time.Microsecond, "µs", func() error {
		cids := make(chan cid.Cid, 1024)
		go func() {
			for i := range all {
				cids <- cid.NewCidV1(cid.Raw, benchHash(i+len(all)/10))
			}
			close(cids)
		}()
		return first.ResetCids(ctx, cids)
	})
	close(stop)
	<-stopped
	b.ReportMetric(float64(peak.Load())/keystoreKeys, "B/peak")
	if n, err := first.Size(ctx); err != nil || n != len(all) {
		b.Fatalf("%d keys after the reset, %v", n, err)
	}
}

func benchHash(n int) multihash.Multihash {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	h, err := multihash.Encode(sum[:], multihash.SHA2_256)
	if err != nil {
		panic(err)
	}
	return h
}

// cpuTime returns the CPU time that the process has taken.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// diskOf returns the bytes that the files of a directory take.
func diskOf(b *testing.B, dir string) (bytes int64) {
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if os.IsNotExist(err) {
			return nil // it has just been removed
		}
		if err == nil && info.Mode().IsRegular() {
			bytes += used(info)
		}
		return err
	})
	if err != nil {
		b.Error(err)
	}
	return bytes
}
