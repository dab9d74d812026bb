package providers

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// cachedPeers is how many peers the cache keeps with number, id and count: 50 MiB at most.
	cachedPeers = 128 << 10
	// rowOverhead is about how many bytes of memory a row takes besides its own.
	rowOverhead = 160
)

// cache is the part of the stored data that the store also keeps in memory: the rows that
// were read or written last, peers, and the usage.
//
// Only a transaction that holds the writers' lock changes the cache, in one step, after
// its commit and before it releases the lock. So the next writer finds here exactly the
// stored data. A reader may add the rows it has read, if nothing has been committed since
// the reading began; the epoch tells. A lookup does not move its row to the front: that
// would cost more than it is worth.
type cache struct {
	mu sync.RWMutex
	// epoch is how many transactions have been committed.
	epoch uint64
	// rows has the bytes of rows by the hash of their key, those of shard 0 only. RowBytes is
	// how much memory they take.
	rows               *simplelru.LRU[uint64, []byte]
	rowBytes, rowLimit int
	// numbers has peers by id, and peers has them by number.
	numbers *simplelru.LRU[peer.ID, peerNumber]
	peers   *simplelru.LRU[peerNumber, peerEntry]
	usage   Usage
}

// peerEntry is a peer in the cache.
type peerEntry struct {
	id peer.ID
	// keys is how many keys the peer provides, -1 if that is not known.
	keys int
}

// newCache returns an empty cache that keeps rows in at most rowBytes bytes.
func newCache(rowLimit int) *cache {
	m := &cache{rowLimit: rowLimit}
	// NewLRU refuses no positive size. The bytes bound the rows.
	m.rows, _ = simplelru.NewLRU(math.MaxInt, func(_ uint64, row []byte) { m.rowBytes -= len(row) + rowOverhead })
	m.numbers, _ = simplelru.NewLRU[peer.ID, peerNumber](cachedPeers, nil)
	m.peers, _ = simplelru.NewLRU[peerNumber, peerEntry](cachedPeers, nil)
	return m
}

// row returns a row, which the caller must not change, and the epoch.
func (m *cache) row(hash uint64) (row []byte, known bool, epoch uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	row, known = m.rows.Peek(hash)
	return row, known, m.epoch
}

// number returns the number of a peer.
func (m *cache) number(id peer.ID) (n peerNumber, known bool, epoch uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, known = m.numbers.Peek(id)
	return n, known, m.epoch
}

// idsOf fills in the ids of the peers in the cache.
func (m *cache) idsOf(providers []provider, ids []peer.ID) (epoch uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for i := range providers {
		if p, ok := m.peers.Peek(providers[i].Peer); ok {
			ids[i] = p.id
		}
	}
	return m.epoch
}

// keysOf returns how many keys a peer provides.
func (m *cache) keysOf(n peerNumber) (keys int, known bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	p, ok := m.peers.Peek(n)
	return p.keys, ok && p.keys >= 0
}

// readRow adds a row whose reading began in epoch.
func (m *cache) readRow(epoch, hash uint64, row []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if epoch == m.epoch {
		m.addRow(hash, row)
	}
}

// readPeer adds a peer whose reading began in epoch.
func (m *cache) readPeer(epoch uint64, p storedPeer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if epoch == m.epoch {
		m.addPeer(p.ID, p.Number)
	}
}

func (m *cache) addRow(hash uint64, row []byte) {
	m.rows.Remove(hash)
	if m.rowLimit <= 0 {
		return
	}
	m.rows.Add(hash, row)
	for m.rowBytes += len(row) + rowOverhead; m.rowBytes > m.rowLimit; {
		m.rows.RemoveOldest()
	}
}

func (m *cache) addPeer(id peer.ID, n peerNumber) {
	m.numbers.Add(id, n)
	if _, ok := m.peers.Get(n); !ok {
		m.peers.Add(n, peerEntry{id: id, keys: -1})
	}
}

// Usage returns the usage.
func (m *cache) usageNow() Usage {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.usage
}

// committed applies the changes of a transaction.
func (m *cache) committed(t *txn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch++
	m.usage.Rows += t.usage.Rows
	m.usage.Bytes += t.usage.Bytes
	for key, row := range t.rows {
		switch {
		case key.Second != 0:
		case row == nil:
			m.rows.Remove(key.First)
		default:
			m.addRow(key.First, row)
		}
	}
	for id, n := range t.met {
		m.addPeer(id, n)
	}
	for n, keys := range t.counted {
		if p, ok := m.peers.Get(n); ok {
			p.keys = keys
			m.peers.Add(n, p)
		}
	}
	for n, more := range t.keys {
		if p, ok := m.peers.Peek(n); ok && p.keys >= 0 {
			p.keys += more
			m.peers.Add(n, p)
		}
	}
	for _, p := range t.dropped {
		m.numbers.Remove(p.ID)
		m.peers.Remove(p.Number)
	}
}
