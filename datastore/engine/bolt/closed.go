package bolt

import (
	"encoding/binary"
	"hash/crc32"

	"go.etcd.io/bbolt"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/damage"
)

// closedBucket has what Close notes, as the value of the key closedKey. Every commit makes
// it outdated.
var (
	closedBucket = []byte("netabase.closed")
	closedKey    = []byte("tree")
)

// closed says where the tree of the bucket is in the file that one commit left. With it,
// and the list of free pages, each page can be verified when a read comes to it: see
// unverified. The value holds the numbers, big-endian, with 8 bytes each, and their
// CRC-32C.
type closed struct {
	commit uint64
	root   uint64 // page, or 0 if the tree is one small page in that of the buckets
	leaves uint64 // level of the leaves, from the root down
}

const closedSize = 3*8 + crc32.Size

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c closed) encode() []byte {
	b := make([]byte, 0, closedSize)
	for _, number := range []uint64{c.commit, c.root, c.leaves} {
		b = binary.BigEndian.AppendUint64(b, number)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeClosed returns zeros, which are of no commit, for what is damaged: all pages are
// gone over then.
func decodeClosed(b []byte) (c closed) {
	if len(b) != closedSize || crc32.Checksum(b[:3*8], castagnoli) != binary.BigEndian.Uint32(b[3*8:]) {
		return closed{}
	}
	word := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	return closed{word(0), word(1), word(2)}
}

// closedAt returns what Close noted of the last commit, or nil if there has been no Close
// since.
func (d *db) closedAt(last commit) (*closed, error) {
	if last.freelist == noFreelist {
		return nil, nil
	}
	var noted closed
	err := d.readTx(func(tx *bbolt.Tx) error {
		var t tree
		t.open(d.bolt, tx)
		value, err := t.bucket(tx, closedBucket)
		if err != nil || value == nil {
			return err
		}
		p, err := newPage(value[bucketHead:])
		if err != nil {
			return err
		}
		if i, found := p.search(closedKey); found && !p.branch {
			_, b := p.row(i)
			noted = decodeClosed(b)
		}
		return nil
	})
	if err != nil || noted.commit != last.number {
		return nil, err
	}
	return &noted, nil
}

func (d *db) readTx(fn func(*bbolt.Tx) error) (err error) {
	defer damage.Recover(damage.Guard(), &err)
	return d.bolt.View(fn)
}

// noteClosed writes in a transaction where the tree is. It does not change the tree.
func (d *db) noteClosed(tx *bbolt.Tx) error {
	var t tree
	if err := t.begin(d.bolt, tx, nil); err != nil {
		return err
	}
	leaves, err := t.leaves()
	if err != nil {
		return err
	}
	noted, err := tx.CreateBucketIfNotExists(closedBucket)
	if err != nil {
		return err
	}
	root := uint64(tx.Bucket(bucket).Root())
	return noted.Put(closedKey, closed{uint64(tx.ID()), root, uint64(leaves)}.encode())
}
