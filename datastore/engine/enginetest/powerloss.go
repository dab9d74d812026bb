package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// RunPowerLoss tests that Durable commits survive a power loss. It also checks that the test
// would notice a loss: with NoFsync some commits must be lost.
//
// Another process commits to a database on a small file system of its own, in a file mounted
// through a loop device, and reports its commits. At some point the test stops the process and
// copies the file. The copy holds the data that the file system has given to its device, and
// none that is only in memory. The test then mounts and reads the copy. It needs Linux, the
// right to mount, and mkfs.ext4; it is skipped elsewhere and in short runs.
//
// Configure an engine that writes tables from time to time to do so after every megabyte or
// less. RunPowerLoss must be the whole of a test, because it runs the test again in the other
// process.
func RunPowerLoss(t *testing.T, create func(c engine.Config) engine.Engine) {
	if path := os.Getenv(powerLossPath); path != "" {
		c := engine.Config{Path: path, NoFsync: os.Getenv(powerLossNoFsync) != ""}
		if err := commitForEver(create(c), os.Stdout); err != nil {
			t.Fatal(err)
		}
		return
	}
	if testing.Short() {
		t.Skip("takes too long for a short run")
	}
	testPowerLoss(t, create)
}

const (
	powerLossPath    = "NETABASE_POWER_LOSS_PATH"
	powerLossNoFsync = "NETABASE_POWER_LOSS_NO_FSYNC"

	powerLossWriters = 4
	powerLossCommits = 300 // about how many commits to wait for
	powerLossAck     = "committed "
)

// powerLossValue returns the value of a key, large enough to fill tables soon. Those of a
// few keys, in durable and in relaxed commits, are larger than some engines write at once.
func powerLossValue(key string) []byte {
	size := 20_000
	if strings.HasSuffix(key, "4") || strings.HasSuffix(key, "7") {
		size = 250_000
	}
	return bytes.Repeat(fmt.Appendf(nil, "%s;", key), size/(len(key)+1))
}

// commitForEver makes durable and relaxed commits without end, and writes a line after each
// durable one.
func commitForEver(eng engine.Engine, to io.Writer) error {
	ctx := context.Background()
	db, err := eng.Open(ctx)
	if err != nil {
		return err
	}
	var lines sync.Mutex
	errs := make(chan error)
	for writer := range powerLossWriters {
		go func() {
			for i := 0; ; i++ {
				key, d := fmt.Sprintf("%d-%06d", writer, i), engine.Durable
				if i%5 == 4 {
					d = engine.Relaxed
				}
				txn, err := db.Update(ctx)
				if err == nil {
					if err = txn.Put([]byte(key), powerLossValue(key)); err == nil {
						err = txn.Commit(ctx, d)
					}
				}
				if err != nil {
					errs <- err
					return
				}
				if d == engine.Durable {
					lines.Lock()
					fmt.Fprintln(to, powerLossAck+key)
					lines.Unlock()
				}
			}
		}()
	}
	return <-errs
}

// countLost opens the database after the power loss and counts the keys that are missing or
// wrong.
func countLost(ctx context.Context, eng engine.Engine, keys []string) (lost int, err error) {
	db, err := eng.Open(ctx)
	if err != nil {
		return len(keys), err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	txn, err := db.View(ctx)
	if err != nil {
		return len(keys), err
	}
	defer txn.Discard()
	for _, key := range keys {
		value, err := txn.Get([]byte(key))
		switch {
		case errors.Is(err, engine.ErrNotFound):
			lost++
		case err != nil:
			return len(keys), err
		case !bytes.Equal(value, powerLossValue(key)):
			lost++
		}
	}
	// Relaxed commits may be lost, each as a whole.
	c := txn.Cursor(engine.Range{})
	defer c.Close()
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			return len(keys), err
		}
		if !bytes.Equal(value, powerLossValue(string(c.Key()))) {
			return len(keys), fmt.Errorf("the value of %q has %d bytes of others", c.Key(), len(value))
		}
	}
	return lost, c.Err()
}
