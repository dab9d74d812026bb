package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/powerloss"
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
	if path := powerloss.Path(); path != "" {
		c := engine.Config{Path: path, NoFsync: os.Getenv(powerLossNoFsync) != ""}
		if err := commitForEver(create(c)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if testing.Short() {
		t.Skip("takes too long for a short run")
	}
	losses := asked(t, powerLosses, 1)
	t.Run("Fsync", func(t *testing.T) {
		for loss := range losses {
			t.Run(strconv.Itoa(loss), func(t *testing.T) {
				left, lost, err := losePower(t, create)
				if lost > 0 || err != nil {
					t.Errorf("%d of %d durable commits are lost, error %v; %s", lost, len(left.Acked), err, left.Keep())
				}
			})
		}
	})
	t.Run("NoFsync", func(t *testing.T) {
		// All commits may survive if tables have just been written and synced.
		for range 3 {
			left, lost, err := losePower(t, create, powerLossNoFsync+"=1")
			t.Logf("%d of %d commits are lost, error %v", lost, len(left.Acked), err)
			if lost > 0 {
				return
			}
		}
		t.Error("nothing is lost without fsync: the test proves nothing")
	})
}

const (
	// powerLosses is the environment variable that says how often RunPowerLoss simulates a power
	// loss.
	powerLosses      = "NETABASE_POWER_LOSSES"
	powerLossNoFsync = "NETABASE_POWER_LOSS_NO_FSYNC"

	powerLossWriters = 4
	powerLossCommits = 300 // about how many commits to wait for
)

// losePower returns what a power loss has left, and how many acknowledged commits are lost.
func losePower(
	t *testing.T, create func(c engine.Config) engine.Engine, env ...string,
) (left powerloss.Left, lost int, err error) {
	t.Helper()
	left = powerloss.Lose(t, powerLossCommits/2+rand.IntN(powerLossCommits), nil, env...)
	eng := create(engine.Config{Path: left.Path})
	if lost, err = countLost(t.Context(), eng, left.Acked); err == nil {
		s := open(t, eng)
		s.put("and it", "goes on")
	}
	return left, lost, err
}

// powerLossValue returns the value of a key, large enough to fill tables soon. Those of a
// few keys, in durable and in relaxed commits, are larger than some engines write at once.
func powerLossValue(key string) []byte {
	size := 20_000
	if strings.HasSuffix(key, "4") || strings.HasSuffix(key, "7") {
		size = 250_000
	}
	return bytes.Repeat(fmt.Appendf(nil, "%s;", key), size/(len(key)+1))
}

// commitForEver makes durable and relaxed commits without end, and acknowledges each
// durable one.
func commitForEver(eng engine.Engine) error {
	ctx := context.Background()
	db, err := eng.Open(ctx)
	if err != nil {
		return err
	}
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
					powerloss.Ack(key)
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
