package record

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/newsnet-africa/netabase-go/models"
)

// References of what has changed go into few rows each, and the same rows take those
// of what changes next: those of a peer, whichever keys it provides. So what a
// transaction changes in references it only notes, in one row of OwedRefs, and
// that is held in memory. When there is much of it, or nothing else to do, all of
// it is filed as a lot, in order, each row of references once.
//
// Rows of provider records and what is owed are written together, so that at any
// time the references filed and those owed are just those of the rows. A process
// that ends leaves both, and in row 0 how far the filing has come.

const (
	// owedRefs is from how many references on they are filed: 32 MiB of them.
	owedRefs = 2 << 20
	// refsAtOnce is how many references one transaction files. Each may be in a row
	// of its own, of a KiB or two.
	refsAtOnce = 1024
)

// Owed is changes of references that a transaction has not made.
type Owed struct {
	// Number is one more than that of the one before, from 1 on. In number 0 is what
	// is being filed: UpTo which number, and the last change of either kind that has
	// been made.
	Number uint64
	UpTo   uint64
	// Shares and Arrived are in order, each reference once.
	Shares, Arrived refChanges
}

// OwedRefs holds what is owed.
var OwedRefs = models.NewTree("owed", models.Uint64, func(o *Owed) uint64 { return o.Number },
	models.WithCodec(models.Codec[Owed](owedCodec{})),
	models.WithKey(func(o *Owed, number uint64) { o.Number = number }))

// owedCodec writes UpTo, the number of shares, and of each change by how much its
// group is more than that of the one before; the reference, less the one before in
// the same group; and how many times more it is to be there, as a zigzag varint.
// Everything is a varint.
type owedCodec struct{}

func (owedCodec) Name() string { return "libp2p-owed" }

func (owedCodec) Fields() []models.Field { return nil }

func (owedCodec) Append(dst []byte, o *Owed) ([]byte, error) {
	dst = binary.AppendUvarint(dst, o.UpTo)
	dst = binary.AppendUvarint(dst, uint64(len(o.Shares)))
	for _, changes := range []refChanges{o.Shares, o.Arrived} {
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

func (owedCodec) Decode(src []byte, o *Owed) error {
	*o = Owed{}
	shares, ok := uint64(0), true
	if o.UpTo, ok = cutNumber(&src); ok {
		shares, ok = cutNumber(&src)
	}
	const least = 3 // bytes of a change
	o.Shares = slices.Grow(o.Shares, int(min(shares, uint64(len(src)/least))))
	var before refChange
	for ok && len(src) > 0 {
		isShare := uint64(len(o.Shares)) < shares
		if !isShare && o.Arrived == nil {
			before, o.Arrived = refChange{}, slices.Grow(o.Arrived, len(src)/least)
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
			o.Shares = append(o.Shares, c)
		default:
			o.Arrived = append(o.Arrived, c)
		}
	}
	if !ok || uint64(len(o.Shares)) != shares {
		return fmt.Errorf("%w: change %d of references is damaged", models.ErrInvalid, len(o.Shares)+len(o.Arrived))
	}
	return nil
}

// owed is the changes of references that have not been made.
type owed struct {
	mu sync.Mutex
	// shares and arrived are those that transactions have noted since filing was
	// begun, and n is how many there are.
	shares, arrived []refChanges
	n               int
	// lot is what is left of what is being filed. UpTo is 0 while nothing is.
	lot Owed
	// last is the number of the last row, and done that of the last one that is
	// not needed any more.
	last, done uint64
	// peers is how many keys each peer provides more than its references say.
	peers map[PeerNumber]int
}

// add adds what a transaction has noted.
func (o *owed) add(more *Owed) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = more.Number
	o.shares = append(o.shares, more.Shares)
	o.arrived = append(o.arrived, more.Arrived)
	o.n += len(more.Shares) + len(more.Arrived)
	o.count(more.Shares, 1)
}

// count counts shares that are owed, or with sign -1 not any more.
func (o *owed) count(shares refChanges, sign int) {
	if o.peers == nil {
		o.peers = map[PeerNumber]int{}
	}
	for _, c := range shares {
		p := PeerNumber(c.group)
		if o.peers[p] += sign * int(c.n); o.peers[p] == 0 {
			delete(o.peers, p)
		}
	}
}

// keysOf returns how many keys a peer provides more than its references say.
func (o *owed) keysOf(p PeerNumber) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.peers[p]
}

// isMuch reports whether it is time to file.
func (o *owed) isMuch() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n >= owedRefs
}

// isNone reports whether all references are filed.
func (o *owed) isNone() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.done == o.last
}

// lastNumber returns the number of the last row.
func (o *owed) lastNumber() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}

// isFiled reports whether the rows up to number are filed.
func (o *owed) isFiled(number uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.done >= number
}

// owedPart is what one transaction files.
type owedPart struct {
	Owed
	// The rows from one number to another are not needed afterwards, and if they
	// are the last row 0 neither.
	from, to uint64
	last     bool
}

// next returns up to most changes that are to be made next, and rows to be deleted;
// nil if nothing is owed.
func (o *owed) next(most int) *owedPart {
	o.mu.Lock()
	defer o.mu.Unlock()
	lot := &o.lot
	if lot.UpTo == 0 {
		if o.done == o.last {
			return nil
		}
		*lot = Owed{UpTo: o.last, Shares: mergeRefs(o.shares), Arrived: mergeRefs(o.arrived)}
		o.shares, o.arrived, o.n = nil, nil, 0
	}
	next := &owedPart{Owed: Owed{UpTo: lot.UpTo}, from: o.done + 1, to: o.done}
	// Shares go first: of what is found by its minute the share is there, then.
	next.Shares = lot.Shares[:min(most, len(lot.Shares))]
	most -= len(next.Shares)
	next.Arrived = lot.Arrived[:min(most, len(lot.Arrived))]
	most -= len(next.Arrived)
	if len(next.Shares) == len(lot.Shares) && len(next.Arrived) == len(lot.Arrived) {
		next.to = min(o.done+uint64(most), lot.UpTo)
	}
	next.last = next.to == lot.UpTo
	return next
}

// filed has what a transaction has filed not be owed any more.
func (o *owed) filed(part *owedPart) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count(part.Shares, -1)
	o.lot.Shares, o.lot.Arrived = o.lot.Shares[len(part.Shares):], o.lot.Arrived[len(part.Arrived):]
	if o.done = part.to; part.last {
		o.lot = Owed{}
	}
}

// owe notes what the transaction has changed in references. Where it has to be at
// rest, as they are then, it makes the changes itself.
func (l *ledger) owe() error {
	shares, arrived := l.shares.compact(), l.arrived.compact()
	l.shares, l.arrived = nil, nil
	switch {
	case len(shares)+len(arrived) == 0:
		return nil
	case l.atRest():
		return l.fileRefs(&Owed{Shares: shares, Arrived: arrived})
	}
	l.owes = &Owed{Number: l.records.owed.lastNumber() + 1, Shares: shares, Arrived: arrived}
	return OwedRefs.Put(l.ctx, l.tx, l.owes)
}

// fileRefs makes changes in references, and drops the peers that provide nothing
// any more.
func (l *ledger) fileRefs(o *Owed) error {
	err := o.Shares.file(l, Shares, func(made refChanges) error {
		peer, more := PeerNumber(made[0].group), l.records.owed.keysOf(PeerNumber(made[0].group))
		if !l.atRest() { // they are among those that are owed
			for _, c := range made {
				more -= int(c.n)
			}
		}
		if more != 0 {
			return nil
		}
		return l.dropPeer(peer)
	})
	if err != nil {
		return err
	}
	return o.Arrived.file(l, Arrivals, func(refChanges) error { return nil })
}

// fileRefs files all references that were owed before the call.
func (r *Records) fileRefs(ctx context.Context) error {
	number := r.owed.lastNumber()
	if err := inParts(ctx, refsAtOnce, func() bool { return r.owed.isFiled(number) }, r.fileRefsPart); err != nil {
		return fmt.Errorf("file references of provider records: %w", err)
	}
	return nil
}

// fileRefsPart files some of the references that are owed in one transaction.
func (r *Records) fileRefsPart(ctx context.Context, most int) error {
	return r.transact(ctx, r.store.UpdateRelaxed, func(l *ledger) error {
		if err := l.own(); err != nil {
			return err
		}
		if l.filesRefs = r.owed.next(most); l.filesRefs == nil {
			return nil // somebody else was faster
		}
		part := l.filesRefs
		if err := l.fileRefs(&part.Owed); err != nil {
			return err
		}
		for number := part.from; number <= part.to; number++ {
			if err := OwedRefs.Delete(l.ctx, l.tx, number); err != nil {
				return err
			}
		}
		if part.last {
			return OwedRefs.Delete(l.ctx, l.tx, 0)
		}
		return l.noteFiled(part)
	})
}

// noteFiled notes how far filing has come, in references. What it deletes is gone.
func (l *ledger) noteFiled(part *owedPart) error {
	made := Owed{UpTo: part.UpTo}
	switch {
	case len(part.Arrived) > 0:
		made.Arrived = part.Arrived[len(part.Arrived)-1:]
	case len(part.Shares) > 0:
		made.Shares = part.Shares[len(part.Shares)-1:]
	default:
		return nil
	}
	return OwedRefs.Put(l.ctx, l.tx, &made)
}

// loadOwed reads what an earlier process has left. What is damaged of it is passed
// over: the references are wrong then, and Scrub makes them anew.
func (r *Records) loadOwed(ctx context.Context) error {
	o := &r.owed
	var made Owed
	var shares, arrived []refChanges // of the lot
	for number, err := range OwedRefs.Keys(ctx, r.store, models.Range[uint64]{}) {
		var row Owed
		if err == nil {
			row, err = OwedRefs.Get(ctx, r.store, number)
		}
		if errors.Is(err, models.ErrCorrupt) {
			row, err = Owed{Number: number}, nil
		}
		if err != nil {
			return err
		}
		if number == 0 {
			made = row
			continue
		}
		if o.last == 0 {
			o.done = number - 1
		}
		if number <= made.UpTo {
			o.last = number
			shares, arrived = append(shares, row.Shares), append(arrived, row.Arrived)
		} else {
			o.add(&row)
		}
	}
	if made.UpTo > 0 {
		o.last = max(o.last, made.UpTo)
		o.lot = Owed{UpTo: made.UpTo, Shares: mergeRefs(shares), Arrived: mergeRefs(arrived)}
		switch {
		case len(made.Arrived) > 0:
			o.lot.Shares, o.lot.Arrived = nil, o.lot.Arrived.after(made.Arrived[0])
		case len(made.Shares) > 0:
			o.lot.Shares = o.lot.Shares.after(made.Shares[0])
		}
		o.count(o.lot.Shares, 1)
	}
	return nil
}
