package providers

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// A few records change a few references each in many rows, and the next records change the same
// rows again: the rows of a peer, whichever keys it provides. So a transaction only notes the
// changed references in a log, in one row. Memory holds these notes too. When there are many
// notes, or some time has passed, all of them are filed in order. So each row of references is
// read and written once.
//
// A transaction writes its rows and its log entry together, so the filed references and those
// in the log always match the rows. While the log is being filed, entry 0 says how far the
// filing has come, and the next process goes on there.

const (
	// muchInLog is how many changes are filed at once: 16 MiB of them. The log can have twice
	// as many, which the next process reads when it begins.
	muchInLog = 1 << 20
	// refsAtOnce is how many changes one transaction files. Each may be in a row of its own, of
	// one or two KiB.
	refsAtOnce = 1024
)

// logEntry has the changes of references that a transaction has noted.
type logEntry struct {
	// Number is one more than the number of the entry before, from 1 on. Entry 0 describes the
	// filing: UpTo is the last entry that is being filed, and Shares and Arrived have the last
	// change of either kind that was filed.
	Number uint64
	UpTo   uint64
	// Shares and Arrived are in order, each reference once.
	Shares, Arrived refChanges
}

// refLogs holds the log.
var refLogs = models.NewTree("reflog", models.Uint64, func(e *logEntry) uint64 { return e.Number },
	models.WithCodec(versioned.Of[logEntry](logCodec{})),
	models.WithKey(func(e *logEntry, number uint64) { e.Number = number }))

// logCodec writes UpTo and the number of shares. For each change it writes the difference of
// its group from the group before; the reference, less the one before in the same group; and
// the number of times it is added, as a zigzag varint. Everything is a varint.
type logCodec struct{}

func (logCodec) Name() string { return "libp2p-reflog" }

func (logCodec) Fields() []models.Field { return nil }

func (logCodec) Append(dst []byte, e *logEntry) ([]byte, error) {
	dst = binary.AppendUvarint(dst, e.UpTo)
	dst = binary.AppendUvarint(dst, uint64(len(e.Shares)))
	for _, changes := range []refChanges{e.Shares, e.Arrived} {
		var before refChange
		for _, c := range changes {
			if c.group != before.group {
				before.ref = 0
			}
			dst = binary.AppendUvarint(dst, uint64(c.group-before.group))
			dst = binary.AppendUvarint(dst, c.ref-before.ref)
			dst = binary.AppendVarint(dst, int64(c.n))
			before = c
		}
	}
	return dst, nil
}

func (logCodec) Decode(src []byte, e *logEntry) error {
	*e = logEntry{}
	shares, ok := uint64(0), true
	if e.UpTo, ok = cutNumber(&src); ok {
		shares, ok = cutNumber(&src)
	}
	const least = 3 // the fewest bytes of a change
	e.Shares = slices.Grow(e.Shares, int(min(shares, uint64(len(src)/least))))
	var before refChange
	for ok && len(src) > 0 {
		isShare := uint64(len(e.Shares)) < shares
		if !isShare && e.Arrived == nil {
			before, e.Arrived = refChange{}, slices.Grow(e.Arrived, len(src)/least)
		}
		group, valid := cutNumber(&src)
		ref, valid2 := cutNumber(&src)
		n, valid3 := cutNumber(&src)
		if group > 0 {
			before.ref = 0
		}
		c := refChange{group: before.group + uint32(group), ref: before.ref + ref, n: int32(zigzag(n))}
		ok = valid && valid2 && valid3 && group <= uint64(^before.group) && c.ref >= ref && int64(c.n) == zigzag(n)
		switch before = c; {
		case !ok:
		case isShare:
			e.Shares = append(e.Shares, c)
		default:
			e.Arrived = append(e.Arrived, c)
		}
	}
	if !ok || uint64(len(e.Shares)) != shares {
		return fmt.Errorf("%w: change %d of references is damaged", models.ErrInvalid, len(e.Shares)+len(e.Arrived))
	}
	return nil
}

// refLog is the log in memory.
type refLog struct {
	mu sync.Mutex
	// shares and arrived are the changes noted since the last filing began, those of each
	// transaction in order. N is how many there are.
	shares, arrived []refChanges
	n               int
	// filing has the changes that are still to be filed. UpTo is 0 while nothing is being
	// filed.
	filing logEntry
	// last is the number of the last entry, and done the number of the last entry that is no
	// longer needed.
	last, done uint64
	// keys is the number of keys in the log for each peer, which its filed references lack.
	keys map[peerNumber]int
}

// committed applies the changes that a transaction has noted and filed.
func (l *refLog) committed(t *txn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.noted != nil {
		l.add(t.noted)
	}
	if t.filed != nil {
		l.filed(t.filed)
	}
}

func (l *refLog) add(e *logEntry) {
	l.last = e.Number
	l.shares = append(l.shares, e.Shares)
	l.arrived = append(l.arrived, e.Arrived)
	l.n += len(e.Shares) + len(e.Arrived)
	l.count(e.Shares, 1)
}

// count adds the shares of changes to keys, or with sign -1 subtracts them.
func (l *refLog) count(shares refChanges, sign int) {
	if l.keys == nil {
		l.keys = map[peerNumber]int{}
	}
	for _, c := range shares {
		p := peerNumber(c.group)
		if l.keys[p] += sign * int(c.n); l.keys[p] == 0 {
			delete(l.keys, p)
		}
	}
}

func (l *refLog) filed(part *logPart) {
	l.count(part.Shares, -1)
	l.filing.Shares, l.filing.Arrived = l.filing.Shares[len(part.Shares):], l.filing.Arrived[len(part.Arrived):]
	if l.done = part.to; part.last {
		l.filing = logEntry{}
	}
}

// keysOf returns by how much the log changes the number of a peer's keys.
func (l *refLog) keysOf(p peerNumber) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys[p]
}

// isMuch reports whether the log has at least the given number times muchInLog changes.
func (l *refLog) isMuch(times int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n >= times*muchInLog
}

// isEmpty reports whether all references are filed.
func (l *refLog) isEmpty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done == l.last
}

// lastEntry returns the number of the last entry.
func (l *refLog) lastEntry() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// isFiled reports whether the entries up to number are filed.
func (l *refLog) isFiled(number uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done >= number
}

// logPart is the part of the log that one transaction files.
type logPart struct {
	logEntry
	// The entries from one number to another are not needed afterwards. If they include the
	// last entry, entry 0 is not needed either.
	from, to uint64
	last     bool
}

// next returns at most most changes to file next, and the entries to delete; nil if the log is
// empty.
func (l *refLog) next(most int) *logPart {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &l.filing
	if f.UpTo == 0 {
		if l.done == l.last {
			return nil
		}
		*f = logEntry{UpTo: l.last, Shares: mergeRefs(l.shares), Arrived: mergeRefs(l.arrived)}
		l.shares, l.arrived, l.n = nil, nil, 0
	}
	next := &logPart{logEntry: logEntry{UpTo: f.UpTo}, from: l.done + 1, to: l.done}
	// Shares go first: if a record is found by its minute, its share is filed.
	next.Shares = f.Shares[:min(most, len(f.Shares))]
	most -= len(next.Shares)
	next.Arrived = f.Arrived[:min(most, len(f.Arrived))]
	most -= len(next.Arrived)
	if len(next.Shares) == len(f.Shares) && len(next.Arrived) == len(f.Arrived) {
		next.to = min(l.done+uint64(most), f.UpTo)
	}
	next.last = next.to == f.UpTo
	return next
}

// noteRefs notes the transaction's changes of references in the log, or applies them directly.
func (t *txn) noteRefs() error {
	e := &logEntry{Shares: t.shares.compact(), Arrived: t.arrived.compact()}
	t.shares, t.arrived = nil, nil
	switch {
	case len(e.Shares)+len(e.Arrived) == 0:
		return nil
	case t.direct:
		return t.fileRefs(e)
	}
	e.Number = t.s.log.lastEntry() + 1
	t.noted = e
	return refLogs.Put(t.ctx, t.tx, e)
}

// fileRefs applies changes to references, and drops the peers that no longer provide anything.
func (t *txn) fileRefs(e *logEntry) error {
	err := e.Shares.file(t, shares, func(made refChanges) error {
		peer := peerNumber(made[0].group)
		more := t.s.log.keysOf(peer)
		if !t.direct { // the changes are in the log
			for _, c := range made {
				more -= int(c.n)
			}
		}
		if more != 0 {
			return nil
		}
		return t.dropPeer(peer)
	})
	if err != nil {
		return err
	}
	return e.Arrived.file(t, arrivals, func(refChanges) error { return nil })
}

// File files all references that were noted before the call. Until then, records found by peer
// and by time are those of the last filing.
func (s *Store) File(ctx context.Context) error {
	number := s.log.lastEntry()
	for most := refsAtOnce; !s.log.isFiled(number); {
		err := s.filePart(ctx, most)
		switch {
		case errors.Is(err, models.ErrTooLarge) && most > 1:
			most /= 2
		case err != nil:
			return fmt.Errorf("file references of provider records: %w", err)
		}
	}
	return nil
}

// filePart files up to most changes in one transaction.
func (s *Store) filePart(ctx context.Context, most int) error {
	return s.update(ctx, func(t *txn) error {
		part := s.log.next(most)
		if t.filed = part; part == nil {
			return nil // another call was faster
		}
		if err := t.fileRefs(&part.logEntry); err != nil {
			return err
		}
		for number := part.from; number <= part.to; number++ {
			if err := refLogs.Delete(t.ctx, t.tx, number); err != nil {
				return err
			}
		}
		if part.last {
			return refLogs.Delete(t.ctx, t.tx, 0)
		}
		return t.noteFiled(part)
	})
}

// noteFiled notes the progress of filing.
func (t *txn) noteFiled(part *logPart) error {
	made := logEntry{UpTo: part.UpTo}
	switch {
	case len(part.Arrived) > 0:
		made.Arrived = part.Arrived[len(part.Arrived)-1:]
	case len(part.Shares) > 0:
		made.Shares = part.Shares[len(part.Shares)-1:]
	default:
		return nil
	}
	return refLogs.Put(t.ctx, t.tx, &made)
}

// loadLog reads the log of an earlier process. It skips damaged entries: Check then finds wrong
// references, and Repair mends them.
func (s *Store) loadLog(ctx context.Context) error {
	l := &s.log
	var made logEntry
	var shares, arrived []refChanges // the changes being filed
	for number, err := range refLogs.Keys(ctx, s.store, models.Range[uint64]{}) {
		var e logEntry
		if err == nil {
			e, err = refLogs.Get(ctx, s.store, number)
		}
		if versioned.Damaged(err) {
			e, err = logEntry{Number: number}, nil
		}
		if err != nil {
			return err
		}
		if number == 0 {
			made = e
			continue
		}
		if l.last == 0 {
			l.done = number - 1
		}
		if number <= made.UpTo {
			l.last = number
			shares, arrived = append(shares, e.Shares), append(arrived, e.Arrived)
		} else {
			l.add(&e)
		}
	}
	if made.UpTo > 0 {
		l.last = max(l.last, made.UpTo)
		l.filing = logEntry{UpTo: made.UpTo, Shares: mergeRefs(shares), Arrived: mergeRefs(arrived)}
		switch {
		case len(made.Arrived) > 0:
			l.filing.Shares, l.filing.Arrived = nil, l.filing.Arrived.after(made.Arrived[0])
		case len(made.Shares) > 0:
			l.filing.Shares = l.filing.Shares.after(made.Shares[0])
		}
		l.count(l.filing.Shares, 1)
	}
	return nil
}
