//go:build js

package opfs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
)

// The files of a database: its state, logs named by the number of the first commit in them, and checkpoints
// named by their generation.
const (
	stateName        = "state"
	logPrefix        = "log-"
	checkpointPrefix = "checkpoint-"
)

// storage implements journal.Storage.
type storage struct {
	dir      directory
	readOnly bool

	mu sync.Mutex
	// state is open for as long as the database is, so that no other program has it.
	state *file
	now   journal.State
	// logs are open, in the order of their commits. There may be none.
	logs []*log
	// checkpoints are open, by their generation: the one that counts and one that is being written.
	checkpoints map[uint64]*checkpoint
	// failed is why nobody knows what is in the files.
	failed error
}

func openStorage(ctx context.Context, c engine.Config) (_ *storage, err error) {
	if c.Path == "." || c.Path == ".." || strings.ContainsAny(c.Path, `/\`) {
		return nil, fmt.Errorf("%w: Path %q is no name of a directory", engine.ErrConfig, c.Path)
	}
	create := !c.MustExist && !c.ReadOnly
	dir, err := openDirectory(ctx, c.Path, create)
	if err != nil {
		return nil, err
	}
	s := &storage{dir: dir, readOnly: c.ReadOnly, checkpoints: map[uint64]*checkpoint{}}
	if s.state, err = dir.open(ctx, stateName, create); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	names, err := dir.names(ctx)
	if err != nil {
		return nil, err
	}
	if c.Truncate == engine.DestroyExistingData {
		if err := s.clear(ctx, names); err != nil {
			return nil, err
		}
		names = nil
	}
	if s.now, err = readState(s.state); err != nil {
		return nil, err
	}
	return s, s.openFiles(ctx, names)
}

// clear removes all files but the state, which it empties.
func (s *storage) clear(ctx context.Context, names []string) error {
	for _, name := range names {
		if name == stateName {
			continue
		}
		if err := s.dir.remove(ctx, name); err != nil {
			return err
		}
	}
	return errors.Join(s.state.truncate(0), s.state.flush())
}

// openFiles opens the logs, and the checkpoint that counts.
func (s *storage) openFiles(ctx context.Context, names []string) error {
	for _, name := range names {
		first, isLog := number(name, logPrefix)
		if generation, ok := number(name, checkpointPrefix); !isLog && (!ok || generation != s.now.Generation) {
			continue
		}
		f, err := s.dir.open(ctx, name, false)
		if err != nil {
			return err
		}
		if isLog {
			s.logs = append(s.logs, &log{file: f, first: first})
		} else {
			s.checkpoints[s.now.Generation] = &checkpoint{file: f}
		}
	}
	slices.SortFunc(s.logs, func(a, b *log) int { return cmp.Compare(a.first, b.first) })
	for i, l := range s.logs {
		cut, err := l.check(i == len(s.logs)-1)
		if err != nil {
			return err
		}
		if cut && !s.readOnly {
			if err := errors.Join(l.file.truncate(l.end), l.file.flush()); err != nil {
				return err
			}
		}
	}
	return nil
}

func number(name, prefix string) (n uint64, ok bool) {
	text, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil
}

func (s *storage) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.logs {
		l.file.close()
	}
	for _, c := range s.checkpoints {
		c.file.close()
	}
	s.state.close()
}

// slotBytes is the room of a state. There are two of them in the file, which are written by turns.
const slotBytes = 64

// readState returns the newer of the two states that are whole, or none if the file is empty.
func readState(f *file) (newest journal.State, err error) {
	if f.size == 0 {
		return newest, nil
	}
	found := false
	for slot := range int64(2) {
		b := make([]byte, journal.StateBytes)
		if _, err := f.ReadAt(b, slot*slotBytes); err != nil {
			continue // it has not been written yet
		}
		s, err := journal.ParseState(b)
		if err == nil && s.Generation%2 == uint64(slot) && s.Generation > newest.Generation {
			newest, found = s, true
		}
	}
	if !found && f.size >= slotBytes+journal.StateBytes {
		return newest, fmt.Errorf("%w: no state is whole", engine.ErrCorrupt)
	}
	return newest, nil // the first one was being written
}

// Read implements journal.Storage.
func (s *storage) Read(after uint64, most int) (journal.State, []journal.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.now, nil, s.failed
	}
	var commits []journal.Commit
	for _, l := range s.logs {
		if l.next <= after+1 {
			continue
		}
		var err error
		if commits, err = l.read(after, most-len(commits), commits); err != nil {
			return s.now, nil, err
		}
		if len(commits) == most {
			break
		}
	}
	return s.now, commits, nil
}

// Append implements journal.Storage.
func (s *storage) Append(c journal.Commit, durable bool) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	if len(s.logs) == 0 {
		if err := s.addLog(c.Seq); err != nil {
			return err
		}
	}
	l := s.logs[len(s.logs)-1]
	if c.Seq != l.next {
		return fmt.Errorf("%w: commit %d follows %d", engine.ErrCorrupt, c.Seq, l.next-1)
	}
	record := appendRecord(nil, c)
	if err := l.file.write(record, l.end); err != nil {
		if undone := l.file.truncate(l.end); undone != nil {
			s.failed = errors.Join(err, undone)
		}
		return err
	}
	if durable {
		if err := l.file.flush(); err != nil {
			s.failed = err
			return err
		}
	}
	l.end += int64(len(record))
	l.next++
	return nil
}

func (s *storage) addLog(first uint64) error {
	f, err := s.dir.open(context.Background(), logPrefix+strconv.FormatUint(first, 10), true)
	if err != nil {
		return err
	}
	s.logs = append(s.logs, &log{file: f, first: first, next: first, at: first})
	return nil
}

// Sync implements journal.Storage.
func (s *storage) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil || len(s.logs) == 0 {
		return s.failed
	}
	s.failed = s.logs[len(s.logs)-1].file.flush()
	return s.failed
}

// Values implements journal.Storage.
func (s *storage) Values(generation, from uint64, most int) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.checkpoints[generation]
	if c == nil {
		return nil, nil
	}
	return c.read(from, most)
}

// Begin implements journal.Storage. Commits from now on go to a log of their own, so that those before them
// can be removed.
func (s *storage) Begin(next journal.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	if err := s.removeOthers(s.now.Generation); err != nil {
		return err
	}
	if len(s.logs) > 0 {
		if last := s.logs[len(s.logs)-1]; last.first < last.next {
			if s.failed = last.file.flush(); s.failed != nil {
				return s.failed
			}
			if err := s.addLog(last.next); err != nil {
				return err
			}
		}
	}
	f, err := s.dir.open(context.Background(), checkpointPrefix+strconv.FormatUint(next.Generation, 10), true)
	if err != nil {
		return err
	}
	s.checkpoints[next.Generation] = &checkpoint{file: f}
	return f.truncate(0)
}

// removeOthers removes checkpoints but the one of a generation, also those that a program has left that has
// ended.
func (s *storage) removeOthers(generation uint64) error {
	ctx := context.Background()
	names, err := s.dir.names(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		other, ok := number(name, checkpointPrefix)
		if !ok || other == generation {
			continue
		}
		if c := s.checkpoints[other]; c != nil {
			c.file.close()
			delete(s.checkpoints, other)
		}
		if err := s.dir.remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// PutValue implements journal.Storage.
func (s *storage) PutValue(generation, _ uint64, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.checkpoints[generation].add(value)
}

// Switch implements journal.Storage.
func (s *storage) Switch(to journal.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	if err := s.checkpoints[to.Generation].file.flush(); err != nil {
		return err
	}
	slot := int64(to.Generation % 2)
	if err := errors.Join(s.state.write(to.Append(nil), slot*slotBytes), s.state.flush()); err != nil {
		s.failed = err
		return err
	}
	s.now = to
	for len(s.logs) > 1 && s.logs[1].first <= to.Before+1 {
		s.logs[0].file.close()
		name := s.logs[0].file.name
		s.logs = s.logs[1:]
		if err := s.dir.remove(context.Background(), name); err != nil {
			return err
		}
	}
	return s.removeOthers(to.Generation)
}
