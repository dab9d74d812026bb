package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ipfs/boxo/blockstore"
	blockformat "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"

	"github.com/newsnet-africa/netabase-go/bench/internal/blocks"
)

// Names of cases.
const (
	blocksPutCase     = "put"
	blocksGetCase     = "get"
	blocksDeleteCase  = "delete and collect"
	blocksDiskCase    = "disk after collect"
	blocksMemoryCase  = "memory"
	blocksBatchBytes  = 8 << 20 // what Kubo's adder gives to PutMany at most
	memorySampleEvery = 10 * time.Millisecond
)

// measureBlocks puts blocks in batches as Kubo's adder does, gets all of them in another order,
// deletes them one by one as a node's collector does, and collects.
func measureBlocks(
	ctx context.Context, c blocks.Contender, dir string, kib, mib int, report func(blocksResult) error,
) error {
	dir, err := os.MkdirTemp(dir, "blocks-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := c.Open(dir)
	if err != nil {
		return err
	}
	m := blocksMeter{
		ctx: ctx, bytes: blockstore.NewBlockstore(store.Batching, blockstore.NoPrefix()),
		size: kib << 10, count: mib << 10 / kib, mib: float64(mib),
		report: func(r blocksResult) error {
			r.Contender, r.BlockKiB = c.Name, kib
			return report(r)
		},
	}
	memory := sampleMemory()
	err = errors.Join(
		m.time(blocksPutCase, m.put),
		m.time(blocksGetCase, m.get),
		m.time(blocksDeleteCase, func() error {
			if err := m.delete(); err != nil {
				return err
			}
			return store.Collect(ctx)
		}),
	)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	if err := m.disk(dir); err != nil {
		return errors.Join(err, store.Close())
	}
	anonymous := memory()
	if err := store.Close(); err != nil {
		return err
	}
	peak, err := statusMiB("VmHWM")
	if err != nil {
		return err
	}
	return m.report(blocksResult{Case: blocksMemoryCase, PeakMiB: peak, AnonymousMiB: anonymous})
}

type blocksMeter struct {
	ctx    context.Context
	bytes  blockstore.Blockstore
	size   int
	count  int
	mib    float64
	keys   []cid.Cid
	report func(blocksResult) error
}

// time measures the time and the processor time of work on all blocks.
func (m *blocksMeter) time(name string, work func() error) error {
	before, start := processTime(), time.Now()
	if err := work(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	took, cpu := time.Since(start), processTime()-before
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 / m.mib }
	return m.report(blocksResult{Case: name, MsPerMiB: ms(took), CPUMsPerMiB: ms(cpu)})
}

// put does not hash the blocks: that would cost every contender the same, and more than some of
// them take. Their keys are as random as hashes.
func (m *blocksMeter) put() error {
	source := rand.NewChaCha8([32]byte{1})
	var batch []blockformat.Block
	for i := range m.count {
		data := make([]byte, m.size)
		source.Read(data)
		digest := make([]byte, 32)
		binary.BigEndian.PutUint64(digest, uint64(i)*0x9E3779B97F4A7C15)
		copy(digest[8:], data)
		hash, err := mh.Encode(digest, mh.SHA2_256)
		if err != nil {
			return err
		}
		key := cid.NewCidV1(cid.Raw, hash)
		block, err := blockformat.NewBlockWithCid(data, key)
		if err != nil {
			return err
		}
		m.keys = append(m.keys, key)
		batch = append(batch, block)
		if len(batch)*m.size >= blocksBatchBytes || i == m.count-1 {
			if err := m.bytes.PutMany(m.ctx, batch); err != nil {
				return err
			}
			batch = nil
		}
	}
	return nil
}

func (m *blocksMeter) get() error {
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(m.keys), func(i, j int) { m.keys[i], m.keys[j] = m.keys[j], m.keys[i] })
	for _, key := range m.keys {
		block, err := m.bytes.Get(m.ctx, key)
		if err != nil {
			return err
		}
		if len(block.RawData()) != m.size {
			return fmt.Errorf("a block has %d bytes", len(block.RawData()))
		}
	}
	return nil
}

func (m *blocksMeter) delete() error {
	for _, key := range m.keys {
		if err := m.bytes.DeleteBlock(m.ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (m *blocksMeter) disk(dir string) error {
	var size int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			size += used(info)
		}
		return err
	})
	if err != nil {
		return err
	}
	return m.report(blocksResult{Case: blocksDiskCase, DiskRatio: float64(size) / (m.mib * (1 << 20))})
}

// sampleMemory returns a function that ends the sampling and returns the most anonymous memory
// that there was, in MiB.
func sampleMemory() (most func() float64) {
	var peak float64
	var group sync.WaitGroup
	stop := make(chan struct{})
	group.Go(func() {
		ticker := time.NewTicker(memorySampleEvery)
		defer ticker.Stop()
		for {
			now, err := statusMiB("RssAnon")
			if err != nil {
				return
			}
			peak = max(peak, now)
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
		}
	})
	return func() float64 {
		close(stop)
		group.Wait()
		return peak
	}
}

// statusMiB returns a size from the process's status in MiB.
func statusMiB(name string) (float64, error) {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		var kib int64
		if _, err := fmt.Sscanf(lines.Text(), name+": %d kB", &kib); err == nil {
			return float64(kib) / 1024, nil
		}
	}
	return 0, fmt.Errorf("no %s in /proc/self/status", name)
}
