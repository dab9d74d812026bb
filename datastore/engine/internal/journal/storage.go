// Package journal is what engines have in common that keep all rows in memory, and in some storage a log of
// commits and a checkpoint of all rows. The storages of browsers cost per value and not per byte, and have
// no transactions that last, so engines for them are made so.
//
// An engine gives a [Storage] to [Open]. The commits have numbers from 1 on, without gaps. A checkpoint has
// the rows as they were after one of them, in values of about a MiB in the order of keys. It is written
// while commits go on, and counts once [Storage.Switch] has named it.
//
// Several programs may have a storage open at once, if they take turns in writing: see [Others].
package journal

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Storage keeps a journal. Append, Begin and Switch happen as a whole, or not at all even if the program
// ends meanwhile. An error means that nothing has happened; a storage that cannot tell fails from then on.
// An error for a lack of space matches engine.ErrNoSpace, and one for what cannot be read
// engine.ErrCorrupt.
//
// Methods may be called concurrently. None keeps a slice that it is given, and nobody changes one that it
// returns.
type Storage interface {
	// Read returns the state that was set last, which is the zero value at first, and the first commits
	// behind a number, at most so many and in their order, as they were at one moment. Where most is 0, it reads
	// the state alone.
	Read(after uint64, most int) (State, []Commit, error)
	// Append adds a commit. It fails if there is one with its number.
	Append(c Commit, durable bool) error
	// Sync makes the commits durable that are not yet.
	Sync() error

	// Values returns values of the checkpoint of a generation, from a number on and at most so many. It
	// returns fewer, or none, where there are no more.
	Values(generation, from uint64, most int) ([][]byte, error)
	// Begin begins a checkpoint. It removes what is there of generations but the one that counts. The last
	// commit in the checkpoint is the last one that was appended.
	Begin(next State) error
	// PutValue adds a value to the checkpoint that has begun, in the order of their numbers.
	PutValue(generation, n uint64, value []byte) error
	// Switch makes a checkpoint the one that counts, durably with all of its values. It removes those of
	// others, and commits up to State.Before.
	Switch(to State) error
}

// Others are the other programs that have the storage open.
type Others interface {
	// Lock waits until no other program may append.
	Lock(ctx context.Context) (release func(), err error)
	// TryCheckpoint returns engine.ErrLocked if another program writes a checkpoint.
	TryCheckpoint(ctx context.Context) (release func(), err error)
	// Alone is that of engine.Joint.
	Alone(ctx context.Context) (shared func(), err error)
	// Committed tells the others that there is a commit. They call [DB.CatchUp].
	Committed()
}

// Commit is a commit in the log.
type Commit struct {
	Seq   uint64
	Batch []byte
}

// State says which checkpoint there is. The zero value says that there is none.
type State struct {
	// Seq is the number of the last commit in it, and Before that of the checkpoint before it: the log goes
	// back to there, so that other programs can read on.
	Seq, Before uint64
	// Generation is the number of the checkpoint, and Values how many values it has.
	Generation, Values uint64
}

// StateBytes is the size of a state as bytes.
const StateBytes = 4*8 + 4

// Append appends the state as bytes: its four numbers in big-endian order and their CRC-32C.
func (s State) Append(dst []byte) []byte {
	start := len(dst)
	for _, n := range []uint64{s.Seq, s.Before, s.Generation, s.Values} {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	return binary.BigEndian.AppendUint32(dst, Checksum(dst[start:]))
}

// ParseState reads what Append has made.
func ParseState(b []byte) (s State, err error) {
	if len(b) != StateBytes || binary.BigEndian.Uint32(b[StateBytes-4:]) != Checksum(b[:StateBytes-4]) {
		return s, fmt.Errorf("%w: the state of the database has %d bytes or another checksum", engine.ErrCorrupt, len(b))
	}
	for i, n := range []*uint64{&s.Seq, &s.Before, &s.Generation, &s.Values} {
		*n = binary.BigEndian.Uint64(b[8*i:])
	}
	return s, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum returns the CRC-32C of b.
func Checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
