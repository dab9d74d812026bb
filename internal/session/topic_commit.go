package session

import (
	"context"
	"errors"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/topic"
)

// LogWrites are the rows that one commit adds to the logs of topics. The store makes the commits that
// change topics one by one, so that the state in memory is that which the next one changes.
type LogWrites struct {
	topics  []*Topic
	changes [][]topic.Change
}

// maxLogRow is how many bytes a row of a log has, but for one change.
const maxLogRow = 256 << 10

// WriteLogs puts the changes of the transaction into the logs of their topics, in commit number of those
// that change topics. It reads nothing in the transaction, so that no engine sees a conflict between two that
// change one topic. The caller ends with End, also after an error.
func (s *Session) WriteLogs(
	ctx context.Context, db engine.DB, number uint64, put func(key, value []byte) error,
) (w LogWrites, err error) {
	for i := range s.TopicChanges {
		if t := s.TopicChanges[i].Topic; !slices.Contains(w.topics, t) {
			w.topics = append(w.topics, t)
		}
	}
	w.changes = make([][]topic.Change, len(w.topics))
	for n, t := range w.topics {
		next, err := t.begin(ctx, db, number)
		if err != nil {
			return w, err
		}
		var row []byte
		rowOf := w.changes[n]
		flush := func() error {
			key := format.LogKey(t.Space, next)
			next++
			row = format.AppendChecksum(row, key)
			return put(key, row)
		}
		for i := range s.TopicChanges {
			c := &s.TopicChanges[i]
			if c.Topic != t {
				continue
			}
			if row == nil {
				row = make([]byte, 0, min(maxLogRow, (len(s.TopicChanges)-i)*(40+len(c.Primary))+format.ChecksumSize))
			}
			change := c.Change
			change.Number = next
			row = format.AppendLogged(row, change.Added, &change.ID, change.Primary)
			if change.Added { // the primary key shares the memory of the whole row otherwise
				change.Primary = row[len(row)-len(change.Primary) : len(row) : len(row)]
			} else {
				change.Primary = nil
			}
			rowOf = append(rowOf, change)
			if len(row) >= maxLogRow {
				if err := flush(); err != nil {
					return w, err
				}
				row = nil
			}
		}
		w.changes[n] = rowOf
		if row != nil {
			if err := flush(); err != nil {
				return w, err
			}
		}
	}
	return w, nil
}

// begin begins a commit that changes the topic, and returns the number of the next row of the log.
func (t *Topic) begin(ctx context.Context, db engine.DB, number uint64) (next uint64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == nil && t.fault == nil {
		txn, err := db.View(ctx)
		if err != nil {
			return 0, err
		}
		defer txn.Discard()
		state, log, err := t.read(txn)
		if err != nil && !errors.Is(err, engine.ErrCorrupt) {
			return 0, err
		}
		if err != nil {
			state = nil
		}
		t.keep(state, log, err)
	}
	t.coming = number
	return t.next, nil
}

// end ends a commit that has changed the topic, or has failed, while mu is held.
func (t *Topic) end(committed bool) {
	if committed {
		t.last = t.coming
	}
	t.coming = t.last
}

// End is called after the commit. It returns the topics with more changes in their logs than most, and those
// that are being filed.
func (w *LogWrites) End(committed bool, most int) (due []*Topic) {
	for n, t := range w.topics {
		t.mu.Lock()
		if changes := w.changes[n]; committed && len(changes) > 0 {
			t.next = changes[len(changes)-1].Number + 1
			if t.state != nil { // else it is damaged, and read anew once it is mended
				for _, c := range changes {
					t.state.Log(c)
				}
				if t.state.Logged > most || t.mark != nil {
					due = append(due, t)
				}
			}
		}
		t.end(committed)
		t.mu.Unlock()
	}
	return due
}

// Forget has the topics read anew when they are next used, after a commit of which nobody knows whether it is
// there. It is called after End.
func (w *LogWrites) Forget(number uint64) {
	for _, t := range w.topics {
		t.Forget(number)
	}
}

// Filing is a part of the work of filing that goes into one transaction.
type Filing struct {
	of    *Topic
	filed *topic.Filing
	after *format.LogMark
	first uint64
	// Heads are heads of ids that belong to leaves which have changed.
	Heads []uint64
	// Idle says that there was nothing to do.
	Idle bool
}

// File files changes of the log, in commit number of those that change topics: most of them and so many bytes,
// if the log has more than keep or filing has begun. Write puts and deletes. The caller ends with End, also
// after an error.
func (t *Topic) File(
	ctx context.Context, db engine.DB, number uint64, write engine.WriteTxn, keep, most int, size int64,
) (f *Filing, err error) {
	f = &Filing{of: t, Idle: true}
	if _, err := t.begin(ctx, db, number); err != nil {
		return f, err
	}
	f.after, f.first = t.mark, t.first
	mark := t.mark
	if t.state == nil || mark == nil && t.state.Logged <= keep {
		return f, nil
	}
	f.Idle = false
	if _, unsynced := t.ToSync(keep); unsynced {
		f.Idle = true // others have filed meanwhile
		return f, nil
	}
	if mark == nil {
		mark = &format.LogMark{UpTo: t.durable}
	}
	if !mark.All {
		t.mu.Lock() // those who read the topic sort its log too
		f.filed = t.state.Due(mark.UpTo, mark.From, most, size)
		t.mu.Unlock()
		if err := t.putFiled(write, f.filed); err != nil {
			return f, err
		}
		for i := range f.filed.Leaves {
			f.Heads = append(f.Heads, f.filed.Leaves[i].Leaf.Prefix)
		}
		f.after = &format.LogMark{UpTo: mark.UpTo, All: f.filed.Done, From: f.filed.Next}
		key := format.LogMarkKey(t.Space)
		return f, write.Put(key, f.after.Append(nil, key))
	}
	for ; most > 0 && f.first <= mark.UpTo; most-- {
		if err := write.Delete(format.LogKey(t.Space, f.first)); err != nil {
			return f, err
		}
		f.first++
	}
	if f.first > mark.UpTo {
		f.after = nil // the mark stays in the store: it says where the log goes on
	}
	return f, nil
}

// ToSync is what has to be durable before the filing of a topic goes on.
type ToSync struct {
	of    *Topic
	state *topic.State
	upTo  uint64
}

// ToSync returns what has to be durable before File goes on, which files if the log has more changes than keep:
// the rows of the log that are to be filed, or what was filed of those that are to be removed. So of two
// transactions of which one was lost, though it was the earlier one, one is known by the other: see readLog.
func (t *Topic) ToSync(keep int) (s ToSync, needed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.state == nil:
		return s, false
	case t.mark == nil:
		return ToSync{t, t.state, t.next - 1}, t.state.Logged > keep && t.durable < t.first
	}
	return ToSync{t, t.state, t.mark.UpTo}, t.mark.All && t.filed < t.mark.UpTo
}

// Synced is called once the engine has been synced after the call of ToSync.
func (s ToSync) Synced() {
	t := s.of
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.state != s.state: // it has been read anew, and rows may have other numbers
	case t.mark == nil:
		t.durable = s.upTo
	case t.mark.All && t.mark.UpTo == s.upTo:
		t.filed = s.upTo
	}
}

// putFiled writes entries and leaves.
func (t *Topic) putFiled(write engine.WriteTxn, filed *topic.Filing) error {
	for i := range filed.Entries {
		change := &filed.Entries[i]
		key := append(t.Entries(), change.ID[:]...)
		var err error
		if change.Added {
			value := append(make([]byte, 0, len(change.Primary)+format.ChecksumSize), change.Primary...)
			err = write.Put(key, format.AppendChecksum(value, key))
		} else {
			err = write.Delete(key)
		}
		if err != nil {
			return err
		}
	}
	for i := range filed.Leaves {
		if err := t.PutLeaf(write.Put, &filed.Leaves[i].Leaf); err != nil {
			return err
		}
	}
	return nil
}

// End is called after the commit. It returns how many changes are in the log, and whether filing goes on.
func (f *Filing) End(committed bool) (left int, more bool) {
	t := f.of
	t.mu.Lock()
	defer t.mu.Unlock()
	if committed && !f.Idle {
		if f.filed != nil {
			t.state.File(f.filed)
		}
		t.mark, t.first = f.after, f.first
	}
	t.end(committed && !f.Idle)
	if t.state == nil {
		return 0, false
	}
	return t.state.Logged, t.mark != nil
}

// PutLeaf puts a leaf without reading anything.
func (t *Topic) PutLeaf(put func(key, value []byte) error, leaf *topic.Leaf) error {
	key := t.LeafKey(leaf)
	total := leaf.Total()
	return put(key, format.AppendLeaf(nil, key, leaf.Count, &total))
}

// LeafKey returns the stored key of a leaf.
func (t *Topic) LeafKey(leaf *topic.Leaf) []byte {
	key := append(make([]byte, 0, len(t.Space)+10), t.Space...)
	return format.AppendLeafKey(key, int(leaf.Depth), leaf.Prefix)
}

// Tidy divides and joins leaves in commit number of those that change topics, where write is the
// transaction, and a new one of db reads. It reports whether there was anything to do. The caller ends
// with the function that it returns, also after an error.
func (t *Topic) Tidy(
	ctx context.Context, db engine.DB, number uint64, write engine.WriteTxn, heads []uint64,
) (done bool, end func(committed bool), err error) {
	type replaced struct {
		first, last int
		with        []topic.Leaf
	}
	var all []replaced
	end = func(committed bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if committed {
			for _, r := range all {
				t.state.Replace(r.first, r.last, r.with)
			}
		}
		t.end(committed)
	}
	if _, err := t.begin(ctx, db, number); err != nil || t.state == nil {
		return false, end, err
	}
	read, err := db.View(ctx)
	if err != nil {
		return false, end, err
	}
	defer read.Discard()
	after := slices.Clone(t.state.Leaves)
	for _, head := range heads {
		at := after.At(head)
		var with []topic.Leaf
		first, last := at, at
		switch {
		case after[at].Large():
			if with, err = t.Build(read, after[at]); err != nil {
				return false, end, err
			}
		case after.Small(at):
			var joined topic.Leaf
			joined, first, last = after.Joined(at)
			with = []topic.Leaf{joined}
		default:
			continue
		}
		for i := first; i <= last; i++ {
			if err := write.Delete(t.LeafKey(&after[i])); err != nil {
				return false, end, err
			}
		}
		for i := range with {
			if err := t.PutLeaf(write.Put, &with[i]); err != nil {
				return false, end, err
			}
		}
		after = slices.Replace(after, first, last+1, with...)
		all = append(all, replaced{first, last, with})
	}
	return len(all) > 0, end, nil
}

// Build returns the leaves that the entries which belong to one leaf are divided into.
func (t *Topic) Build(txn engine.ReadTxn, within topic.Leaf) ([]topic.Leaf, error) {
	lower, upper := within.Bounds()
	entries := t.Entries()
	c := txn.Cursor(engine.Range{
		Lower: lower.Append(nil, entries), Upper: upper.Append(nil, entries), KeysOnly: true,
	})
	defer c.Close()
	return topic.Build(within, func() (id topic.ID, ok bool, err error) {
		if !c.Next() {
			return id, false, c.Err()
		}
		id, err = t.idOf(c.Key())
		return id, true, err
	})
}

// Forget has the topic read anew when it is next used: it has been changed otherwise, in commit number of
// those that change topics.
func (t *Topic) Forget(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state, t.fault, t.last, t.coming = nil, nil, number, number
	t.mark, t.durable, t.filed = nil, 0, 0
}
