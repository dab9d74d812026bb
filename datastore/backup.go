package datastore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"
	"reflect"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/dagjson"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models"
)

// ErrBackup is returned for a stream that is not an intact backup.
var ErrBackup = errors.New("not an intact backup")

// BackupProgress says how far Backup or Restore has come.
type BackupProgress struct {
	// Keys is the number of keys in the stream so far, those of index entries
	// and the catalog included, and Bytes the bytes of these and their values.
	Keys, Bytes int64
	// Seq is the number of the last commit in the backup: a watch with models.WatchOptions.After goes on
	// from there, so that a restored copy can follow the store.
	Seq uint64
}

const (
	backupMagic   = "NETABASE BACKUP\n"
	backupVersion = 2

	chunkHeader = 0
	chunkPairs  = 1
	chunkEnd    = 2
	// maxBackupHeader is how many bytes the payload of the header may have.
	maxBackupHeader = 1 << 20
	// backupChunk is how much a chunk has, but for one key that is longer.
	backupChunk = 1 << 20
	// chunkHead is the kind and the length of a chunk, endBytes the payload of
	// the last.
	chunkHead = 5
	endBytes  = 16 + sha256.Size
)

// backupHeader says whose rows a backup has, and who can read them.
type backupHeader struct {
	ID           []byte   `json:"id"`
	Format       uint64   `json:"format"`
	Compatible   []string `json:"compatible"`
	ReadOnly     []string `json:"readonly"`
	Incompatible []string `json:"incompatible"`
	// Sequence is the number of the last commit, 0 for a store that does not number them.
	Sequence uint64 `json:"sequence"`
}

var headerCodec = models.DagCBOR[backupHeader]()

// backupHeader returns the header of the store's backups.
func (e *storeEntry) backupHeader() backupHeader {
	return backupHeader{
		ID: e.ID, Format: e.Format, Compatible: e.Compatible, ReadOnly: e.ReadOnly, Incompatible: e.Incompatible,
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Backup writes a snapshot of everything in the store to w, as docs/format.md
// describes, in a form that [Restore] reads into any engine. The store may be in
// use meanwhile. Backup copies rows as they are, so that a damaged row is
// damaged in the backup, too; Verify finds it. Only compression is undone. The backup of an encrypted
// store is encrypted, unless BackupOptions.Plain says otherwise: the store that Restore makes of it
// opens with the key that the store had at the time. Keys that damage has put out of order are left
// out.
//
// A transaction is open until Backup returns. Meanwhile bolt cannot use freed
// pages again, and its file grows by what is written.
func (s *Store) Backup(ctx context.Context, w io.Writer, options ...BackupOptions) (done BackupProgress, err error) {
	o := given(options)
	progress := o.Progress
	if err := s.checkNested(ctx); err != nil {
		return done, fmt.Errorf("backup: %w", err)
	}
	txn, seq, err := s.follow.view(ctx, s.db)
	if err != nil {
		return done, fmt.Errorf("backup: %w", err)
	}
	done.Seq = seq
	defer txn.Discard()
	b := backupWriter{w: w, digest: sha256.New()}
	if err := b.write(append([]byte(backupMagic), backupVersion)); err != nil {
		return done, fmt.Errorf("backup: %w", err)
	}
	if err := b.header(txn, seq, o.Plain); err != nil {
		return done, fmt.Errorf("backup: %w", err)
	}
	b.begin()
	c := txn.Cursor(engine.Range{})
	defer c.Close()
	flush := func() error {
		if err := b.end(chunkPairs); err != nil {
			return err
		}
		if progress != nil {
			progress(done)
		}
		b.begin()
		return ctx.Err()
	}
	copyTo := func(key, value []byte) error {
		size := len(key) + len(value)
		if len(b.chunk) > chunkHead && len(b.chunk)+size > backupChunk {
			if err := flush(); err != nil {
				return err
			}
		}
		b.chunk = format.AppendSized(format.AppendSized(b.chunk, key), value)
		done.Keys++
		done.Bytes += int64(size)
		return nil
	}
	rows, err := newPlainRows(txn, s.keys, o.Plain)
	if err != nil {
		return done, fmt.Errorf("backup: %w", err)
	}
	add := func(key, stored []byte) error {
		stored, err := rows.of(key, backupFeed(key, stored, seq))
		if err != nil || stored == nil {
			return err
		}
		return copyTo(key, stored)
	}
	// One key is held back until the next shows that it is in its place.
	var held struct{ key, value []byte }
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			return done, fmt.Errorf("backup: %w", err)
		}
		switch {
		case held.key == nil:
		case bytes.Compare(c.Key(), held.key) > 0:
			if err := add(held.key, held.value); err != nil {
				return done, fmt.Errorf("backup: %w", err)
			}
		case intact(c.Key(), value) && intact(held.key, held.value):
			return done, fmt.Errorf("backup: %w: key %x comes before %x", engine.ErrCorrupt, held.key, c.Key())
		case !intact(c.Key(), value):
			continue
		}
		held.key, held.value = append(held.key[:0], c.Key()...), append(held.value[:0], value...)
	}
	err = c.Err()
	if err == nil && held.key != nil {
		err = add(held.key, held.value)
	}
	if err != nil {
		return done, fmt.Errorf("backup: %w", err)
	}
	if len(b.chunk) > chunkHead {
		if err := flush(); err != nil {
			return done, fmt.Errorf("backup: %w", err)
		}
	}
	b.begin()
	b.chunk = binary.BigEndian.AppendUint64(b.chunk, uint64(done.Keys))
	b.chunk = binary.BigEndian.AppendUint64(b.chunk, uint64(done.Bytes))
	b.chunk = b.digest.Sum(b.chunk)
	if err := b.end(chunkEnd); err != nil {
		return done, fmt.Errorf("backup: %w", err)
	}
	return done, nil
}

// intact reports whether a key is the one that its value was stored under.
func intact(key, value []byte) bool {
	_, err := format.CutChecksum(key, value)
	return err == nil
}

// backupWriter writes chunks, and sums up what it has written.
type backupWriter struct {
	w      io.Writer
	digest hash.Hash
	chunk  []byte
}

func (b *backupWriter) write(p []byte) error {
	b.digest.Write(p)
	_, err := b.w.Write(p)
	return err
}

// header writes the header of a store.
func (b *backupWriter) header(txn engine.ReadTxn, seq uint64, plain bool) (err error) {
	c := catalog{read: txn}
	if _, err := c.openStore(); err != nil {
		return err
	}
	c.store.Incompatible = backupFeatures(c.store.Incompatible, plain)
	h := c.store.backupHeader()
	h.Sequence = seq
	b.begin()
	if b.chunk, err = headerCodec.Append(b.chunk, &h); err != nil {
		return err
	}
	return b.end(chunkHeader)
}

// begin begins a chunk, of which end fills in the head.
func (b *backupWriter) begin() { b.chunk = append(b.chunk[:0], make([]byte, chunkHead)...) }

func (b *backupWriter) end(kind byte) error {
	b.chunk[0] = kind
	binary.BigEndian.PutUint32(b.chunk[1:], uint32(len(b.chunk)-chunkHead))
	b.chunk = binary.BigEndian.AppendUint32(b.chunk, crc32.Checksum(b.chunk, castagnoli))
	return b.write(b.chunk)
}

// backupReader reads what backupWriter writes. Its memory grows with the bytes
// that the stream has, not with the lengths that it claims.
type backupReader struct {
	r      io.Reader
	digest hash.Hash
	chunk  bytes.Buffer
	// last is the greatest key so far, and read counts what came with it.
	last []byte
	read BackupProgress
	// head is the header.
	head backupHeader
}

// damaged says where in the stream something is wrong.
func (b *backupReader) damaged(what string) error {
	return fmt.Errorf("%w: after %d keys: %s", ErrBackup, b.read.Keys, what)
}

// fill reads n bytes more into the chunk.
func (b *backupReader) fill(n int64) error {
	if got, err := io.CopyN(&b.chunk, b.r, n); err != nil {
		if errors.Is(err, io.EOF) {
			return b.damaged(fmt.Sprintf("it ends %d bytes too early", n-got))
		}
		return fmt.Errorf("after %d keys: %w", b.read.Keys, err)
	}
	return nil
}

// header reads what comes before the first key, and refuses a backup that this version
// cannot restore.
func (b *backupReader) header() error {
	if err := b.fill(int64(len(backupMagic)) + 1); err != nil {
		return err
	}
	magic, version := b.chunk.Bytes()[:len(backupMagic)], b.chunk.Bytes()[len(backupMagic)]
	switch {
	case string(magic) != backupMagic:
		return fmt.Errorf("%w: it begins with %q", ErrBackup, magic)
	case version > backupVersion:
		return fmt.Errorf("%w: the version of the backup is %d, this one knows %d", ErrVersion, version, backupVersion)
	case version < backupVersion:
		return fmt.Errorf("%w: it has version %d, which no released version has written", ErrBackup, version)
	}
	b.digest.Write(b.chunk.Bytes())
	kind, payload, err := b.frame(maxBackupHeader)
	if err != nil {
		return err
	}
	if kind != chunkHeader {
		return fmt.Errorf("%w: it has no header", ErrBackup)
	}
	b.digest.Write(b.chunk.Bytes())
	// Later versions may add fields. Features say what a program has to know.
	if err := dagjson.Unmarshal(payload, &b.head); err != nil {
		return fmt.Errorf("%w: its header: %w", ErrBackup, err)
	}
	b.read.Seq = b.head.Sequence
	switch {
	case b.head.Format > format.Version:
		return fmt.Errorf("%w: the format of its store is %d, this version knows %d", ErrVersion, b.head.Format,
			format.Version)
	case b.head.Format < format.Version || len(b.head.ID) != idSize:
		return fmt.Errorf("%w: its header has format %d and an id of %d bytes", ErrBackup, b.head.Format, len(b.head.ID))
	}
	features := Features{b.head.Compatible, b.head.ReadOnly, b.head.Incompatible}
	return features.check(true)
}

// frame reads a chunk, of at most so many bytes, and checks its checksum.
func (b *backupReader) frame(most uint32) (kind byte, payload []byte, err error) {
	b.chunk.Reset()
	if err := b.fill(chunkHead); err != nil {
		return 0, nil, err
	}
	kind, size := b.chunk.Bytes()[0], binary.BigEndian.Uint32(b.chunk.Bytes()[1:])
	if size > most {
		return 0, nil, b.damaged(fmt.Sprintf("a chunk of kind %d has %d bytes", kind, size))
	}
	if err := b.fill(int64(size) + crc32.Size); err != nil {
		return 0, nil, err
	}
	chunk := b.chunk.Bytes()
	body, sum := chunk[:len(chunk)-crc32.Size], chunk[len(chunk)-crc32.Size:]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(sum) {
		return 0, nil, b.damaged("the checksum of a chunk is wrong")
	}
	return kind, body[chunkHead:], nil
}

// next reads a chunk and calls put for every key of it, which is borrowed, until
// the last, for which more is false.
func (b *backupReader) next(put func(key, value []byte) error) (more bool, err error) {
	kind, payload, err := b.frame(math.MaxUint32)
	if err != nil {
		return false, err
	}
	switch kind {
	case chunkPairs:
		b.digest.Write(b.chunk.Bytes())
		return true, b.pairs(payload, put)
	case chunkEnd:
		return false, b.finish(payload)
	}
	return false, b.damaged(fmt.Sprintf("there is a chunk of kind %d", kind))
}

func (b *backupReader) pairs(payload []byte, put func(key, value []byte) error) error {
	for len(payload) > 0 {
		key, rest, ok := format.CutSized(payload)
		var value []byte
		if ok {
			value, rest, ok = format.CutSized(rest)
		}
		if !ok {
			return b.damaged("a key is cut short")
		}
		if bytes.Compare(key, b.last) <= 0 {
			return b.damaged("keys are out of order")
		}
		if err := engine.CheckKey(key); err != nil {
			return b.damaged(err.Error())
		}
		if err := put(key, value); err != nil {
			return err
		}
		b.last = append(b.last[:0], key...)
		b.read.Keys++
		b.read.Bytes += int64(len(key) + len(value))
		payload = rest
	}
	return nil
}

// checkStore compares the header with the store's own entry, as it is stored.
func (b *backupReader) checkStore(stored []byte) error {
	row, err := format.ParseRow(storeKey, stored)
	if err != nil {
		return err
	}
	entry, err := parseStore(row.Value)
	if err != nil {
		return err
	}
	h := entry.backupHeader()
	if h.Sequence = b.head.Sequence; !reflect.DeepEqual(h, b.head) {
		return fmt.Errorf("%w: its header is that of another store", ErrBackup)
	}
	return nil
}

// finish compares what was read with what the end says.
func (b *backupReader) finish(payload []byte) error {
	if len(payload) != endBytes {
		return b.damaged("the end has another length")
	}
	keys, size := binary.BigEndian.Uint64(payload), binary.BigEndian.Uint64(payload[8:])
	if keys != uint64(b.read.Keys) || size != uint64(b.read.Bytes) || !bytes.Equal(payload[16:], b.digest.Sum(nil)) {
		return b.damaged("the digest of the whole is wrong")
	}
	if n, err := io.ReadFull(b.r, make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		if n == 0 {
			return err
		}
		return b.damaged("something follows the end")
	}
	return nil
}
