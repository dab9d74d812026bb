package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/internal/topic"
)

// topicKey examines a key in the space of a topic. Leaves and the log are examined by themselves.
func (t treeCheck) topicKey(p page, key, stored []byte) ([]change, error) {
	suffix := key[len(t.index.ID.Append(nil)):]
	if len(suffix) > 0 && (suffix[0] == format.TopicLeaf || suffix[0] == format.TopicLog) {
		var err error
		if suffix[0] == format.TopicLog { // all entries may still be in it
			_, err = t.logged(p, t.topic())
		}
		return nil, err
	}
	if id, _, err := session.CutTopicKey(suffix); err == nil {
		logged, err := t.logged(p, t.topic())
		if err != nil {
			return nil, err
		}
		if added, found := logged[topic.ID(id[1:])]; found && !added && intact(key, stored) {
			t.report.Entries++
			return nil, nil // its row has gone, or changed
		}
	}
	return t.entry(p, key, stored)
}

// topic is the topic that is examined.
func (t treeCheck) topic() *session.Topic { return t.store.topics.At(t.index.ID.Append(nil)) }

// topicLog is the log of a topic, as a page sees it.
type topicLog struct {
	// page is the page that has looked at it last.
	page  int64
	marks []byte
	net   map[topic.ID]bool
}

// logged returns what the log of a topic changes of its entries, as the page sees it.
func (v *verifier) logged(p page, of *session.Topic) (map[topic.ID]bool, error) {
	log := v.logs[of]
	if log == nil {
		log = &topicLog{}
		if v.logs == nil {
			v.logs = map[*session.Topic]*topicLog{}
		}
		v.logs[of] = log
	} else if log.page == v.pageNumber {
		return log.net, nil
	}
	marks, err := of.LogMarks(p.read)
	if err != nil {
		return nil, err
	}
	if log.net == nil || !bytes.Equal(marks, log.marks) {
		if log.net, err = of.Logged(p.read); err != nil {
			return nil, err
		}
	}
	log.marks, log.page = marks, v.pageNumber
	return log.net, nil
}

// loggedEntries returns how many entries more the log of a topic makes, as the last page has seen it.
func (v *verifier) loggedEntries(of *session.Topic) (more int64) {
	if log := v.logs[of]; log != nil {
		for _, added := range log.net {
			if added {
				more++
			} else {
				more--
			}
		}
	}
	return more
}

// examineLogs examines the logs of a tree's topics. If one is damaged, Repair removes it, so that all entries are
// made from the rows.
func (t treeCheck) examineLogs(ctx context.Context, entry *treeEntry) error {
	for _, ix := range entry.Indexes {
		if ix.Kind != session.Topical || ix.State != ready {
			continue
		}
		check := t
		check.index = ix
		before := t.report.Orphans
		of := check.topic()
		if err := t.pages(ctx, of.Log(), check.logKey); err != nil {
			return err
		}
		if t.report.Orphans == before {
			if err := check.wholeLog(ctx, of); err != nil {
				return err
			}
		}
		if t.repair && t.report.Orphans > before {
			if err := t.store.dropLog(ctx, of); err != nil {
				return err
			}
		}
	}
	return nil
}

// wholeLog reports a log of which rows are missing, or which says of a row that it has come to the topic, or has
// left it, and that is not so. Repair does not mend changes one by one: the log goes, and what it has is made from
// the rows.
func (t treeCheck) wholeLog(ctx context.Context, of *session.Topic) error {
	txn, err := t.store.db.View(ctx)
	if err != nil {
		return err
	}
	defer txn.Discard()
	net, err := of.CheckLog(txn)
	key := of.Entries()
	prefix := len(key)
	for id, change := range net {
		if err != nil || ctx.Err() != nil {
			break
		}
		key = append(key[:prefix], id[:]...)
		if err = t.checkLogged(page{read: txn}, key, change); errors.Is(err, ErrVersion) {
			err = nil // the row is of a later version
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !isDamage(err):
		return err
	}
	t.found(Orphan, t.index.Name, of.Log().Lower, err)
	if t.repair {
		t.report.Repaired++
	}
	return nil
}

// checkLogged returns an error that matches engine.ErrCorrupt if a change of the log is not that of the row.
func (t treeCheck) checkLogged(p page, key []byte, change topic.Change) error {
	if change.Added {
		return t.checkEntry(p, key, format.AppendChecksum(bytes.Clone(change.Primary), key))
	}
	stored, err := p.read.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("%w: the log takes away an entry that is not there", engine.ErrCorrupt)
	}
	if err != nil || !intact(key, stored) {
		return err // it is reported
	}
	switch err := t.checkEntry(p, key, stored); {
	case err == nil:
		return fmt.Errorf("%w: the log takes away the entry of a row that is there", engine.ErrCorrupt)
	case isDamage(err):
		return nil
	default:
		return err
	}
}

// logKey examines a row of the log of a topic, or its mark.
func (t treeCheck) logKey(p page, key, stored []byte) ([]change, error) {
	var err error
	if number, ok := t.topic().LogNumber(key); ok {
		err = session.ParseLogRow(key, stored, number, func(topic.Change) {})
	} else {
		_, err = format.ParseLogMark(key, stored)
	}
	if err == nil {
		return nil, nil
	}
	t.found(Orphan, t.index.Name, key, err)
	return t.setAside(p, key, stored)
}

// noteTopics notes in a transaction the entries of topics that it adds for a row with an encoded primary key,
// and returns the other changes.
func (t treeCheck) noteTopics(ses *session.Session, primary []byte, changes []change) (others []change) {
	if t.place == nil {
		return changes
	}
	for _, c := range changes {
		of := slices.IndexFunc(t.place.Topics, func(of *session.Topic) bool {
			return of != nil && bytes.HasPrefix(c.key, of.Entries())
		})
		if of < 0 {
			others = append(others, c)
			continue
		}
		ses.NoteTopic(t.place.Topics[of], c.key[len(t.place.Topics[of].Entries()):], primary, true)
	}
	return others
}

// leavesPage is how many entries one transaction compares with their leaves at least. It takes more if
// there are so many leaves that reading them would take longer.
const leavesPage = 8192

// leaves examines the leaves of a topic. Repair makes all of them anew if one is wrong.
func (t treeCheck) leaves(ctx context.Context) error {
	of := t.topic()
	before := t.report.Orphans + t.report.Missing
	for from, done := uint64(0), false; !done; {
		var err error
		if from, done, err = t.leavesFrom(ctx, of, from); err != nil {
			return err
		}
	}
	wrong := t.report.Orphans + t.report.Missing - before
	if wrong == 0 || !t.repair {
		return nil
	}
	if err := t.store.buildLeaves(ctx, of); err != nil {
		return err
	}
	t.report.Repaired += wrong
	return nil
}

// leavesFrom compares some leaves, from the one of a head on, with the entries in the same snapshot. It
// returns the head to go on with.
func (t treeCheck) leavesFrom(ctx context.Context, of *session.Topic, from uint64) (next uint64, done bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	txn, err := t.store.db.View(ctx)
	if err != nil {
		return 0, false, err
	}
	defer txn.Discard()
	leaves, err := t.readLeaves(txn, of)
	if err != nil || leaves == nil {
		return 0, true, err
	}
	size := 0
	for at := leaves.At(from); at < len(leaves); at++ {
		leaf := &leaves[at]
		if size >= max(leavesPage, 16*len(leaves)) {
			return leaf.Prefix, false, nil
		}
		found, err := of.Build(txn, *leaf)
		if err != nil {
			if !errors.Is(err, engine.ErrCorrupt) {
				return 0, false, err
			}
			return 0, true, nil // an entry that is reported
		}
		var sum topic.Sum
		for i := range found {
			sum.Merge(&found[i].Sum)
		}
		size += int(sum.Count)
		if sum != leaf.Sum {
			t.found(Orphan, t.index.Name, of.LeafKey(leaf),
				fmt.Errorf("%w: a leaf of %d ids, and there are %d, or others", engine.ErrCorrupt, leaf.Count, sum.Count))
		}
	}
	return 0, true, nil
}

// readLeaves returns the leaves, or nil if there is damage, which it reports.
func (t treeCheck) readLeaves(txn engine.ReadTxn, of *session.Topic) (topic.Leaves, error) {
	r := of.Leaves()
	c := txn.Cursor(r)
	defer c.Close()
	var stored []topic.Leaf
	damaged := false
	for c.Next() {
		value, err := c.Value()
		if err != nil {
			return nil, err
		}
		leaf, err := session.ParseLeaf(c.Key(), len(of.Space), value)
		if err != nil {
			damaged = true
			t.found(Orphan, t.index.Name, bytes.Clone(c.Key()), err)
			continue
		}
		stored = append(stored, leaf)
	}
	if err := c.Err(); err != nil || damaged {
		return nil, err
	}
	leaves, err := topic.NewLeaves(stored)
	if err != nil {
		t.found(Missing, t.index.Name, r.Lower, fmt.Errorf("%w: %w", engine.ErrCorrupt, err))
		return nil, nil
	}
	return leaves, nil
}
