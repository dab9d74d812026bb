package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/syncing"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// list gives the records of the topic behind a key, or all of them, in the order of the keys.
func (s *responded) list(ctx context.Context, behind string) error {
	end := syncing.Message{Kind: syncing.Listed}
	var err error
	if end.Count, _, err = s.topic.Sum(ctx, s.records.store, nil, nil); err != nil {
		return err
	}
	page := listPage{last: end.Count == 0}
	if behind != "" {
		key, err := s.topic.tree.parseKey(behind)
		if err != nil {
			return &sessionError{syncing.Misbehaved, "a key is none"}
		}
		page.rows = models.After(key)
	}
	looked, found := 0, 0
	for !page.last && looked < syncing.MaxList && !s.out.Full() {
		if err := s.readPage(ctx, &page); err != nil {
			return err
		}
		looked += page.looked
		found += len(page.found)
		for i := range page.found {
			s.report.Pushed.count(s.topic.tree, page.found[i].Key, "", nil)
			s.out.Write(&syncing.Message{Kind: syncing.Record, Row: page.found[i]})
		}
	}
	if !page.last && found > 0 { // else the ids lead to the few rows that there are behind
		text, err := s.topic.tree.raw.PathText(page.key)
		if err != nil {
			return err
		}
		end.Bytes = []byte(text)
	}
	s.out.Write(&end)
	return nil
}

// listPage is a part of the rows of a tree.
type listPage struct {
	// rows are those from the page on.
	rows models.Range[[]byte]
	// found are the records of those of its rows that belong to the topic, looked is how many rows it
	// has, and key the key of the last one.
	found  []syncing.Row
	looked int
	key    []byte
	// last says that no row is behind the page.
	last bool
}

// readPage reads a page from one snapshot, which is not open while its records are written, and makes the
// next one begin behind it. A page has no more records than the turn has room for.
func (s *responded) readPage(ctx context.Context, page *listPage) error {
	const some, someBytes = 256, 256 << 10
	*page = listPage{rows: page.rows, last: true}
	size := 0
	err := s.records.snapshot(ctx, s.records.store, func(from models.Reader) error {
		for key, err := range s.topic.tree.raw.Keys(ctx, from, page.rows) {
			if err != nil {
				return err
			}
			if page.looked == some || size >= min(someBytes, s.out.Room()) {
				page.last = false
				return nil
			}
			page.looked++
			page.key = key
			if isOf, err := s.isOf(ctx, from, key); err != nil || !isOf {
				if err != nil {
					return err
				}
				continue
			}
			row, found, err := s.records.travelling(ctx, from, s.topic.tree, key)
			if err != nil {
				return err
			}
			if found {
				page.found = append(page.found, row)
				size += row.Size()
			}
		}
		return nil
	})
	if versioned.Unreadable(err) {
		page.last, err = true, nil // the ids that are compared next tell of the rows behind
	}
	page.rows = models.After(page.key)
	return err
}

// isOf reports whether the row under key belongs to the topic, without decoding it if all rows do.
func (s *responded) isOf(ctx context.Context, from models.Reader, key []byte) (bool, error) {
	if !s.topic.Partial() {
		return true, nil
	}
	value, found, err := s.topic.tree.raw.Find(ctx, from, key)
	if err != nil || !found {
		return false, err
	}
	return s.topic.Belongs(key, value)
}

// emptyLists is after how many answers without a record an initiator lists no further.
const emptyLists = 16

// listing is the part of a sync into an empty topic in which all records are asked for. It goes on in the
// next session if one is spent.
type listing struct {
	// isOn says that there may be records to list, behind a key.
	isOn   bool
	behind string
	// empty is how many answers in a row have brought nothing.
	empty int
}

// beginList begins to list if this peer is to pull a topic of which it has no row.
func (n *Node) beginList(ctx context.Context, topic *syncTopic, how Direction) (*listing, error) {
	if how&Pull == 0 {
		return new(listing), nil
	}
	count, _, err := topic.Sum(ctx, n.records.store, nil, nil)
	return &listing{isOn: count == 0}, err
}

// takeList takes the answer to a list.
func (s *initiated) takeList(a *syncing.Answer) error {
	l := s.listing
	for _, row := range a.Listed {
		s.arrived = append(s.arrived, &arriving{Row: row})
	}
	if l.empty++; len(a.Listed) > 0 {
		l.empty = 0
	}
	came := s.report.Pulled.InAll() + len(s.arrived)
	if a.Behind == "" || l.empty == emptyLists {
		l.isOn, s.report.ToPull = false, came
		return nil
	}
	s.report.ToPull = max(came, int(min(a.Count, math.MaxInt32)))
	next, err := s.topic.tree.parseKey(a.Behind)
	if err == nil && l.behind != "" {
		var last []byte
		if last, err = s.topic.tree.parseKey(l.behind); err == nil && bytes.Compare(next, last) <= 0 {
			err = errors.New("it does not come after the one before")
		}
	}
	if err != nil {
		return fmt.Errorf("%w: it has listed up to the key %q: %w", ErrMisbehaved, shorten(a.Behind), err)
	}
	l.behind = a.Behind
	return nil
}
