package journal_test

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
)

var (
	errFailed = errors.New("the storage fails")
	errEnded  = errors.New("the program has ended")
)

// disk is what programs have stored.
type disk struct {
	mu     sync.Mutex
	state  journal.State
	log    []journal.Commit
	values map[[2]uint64][]byte
	// appending and checkpointing are locks of the programs, which end with them.
	appending, checkpointing chan struct{}
	programs                 []*program
	// alone is the program that keeps others away, or nil.
	alone *program
}

func newDisk() *disk {
	return &disk{
		values:    map[[2]uint64][]byte{},
		appending: make(chan struct{}, 1), checkpointing: make(chan struct{}, 1),
	}
}

// program is a program that has the disk open. It implements journal.Storage and journal.Others.
type program struct {
	*disk
	db *journal.DB
	// failAt counts down to a call that fails with failure, or, for errEnded, during which the program ends.
	failAt  int
	failure error
	// halfway says that this call does what it is to do all the same.
	halfway bool
	ended   bool
	holds   map[chan struct{}]bool
	// read is how many commits it has read.
	read int
}

// do does a step on the disk as a whole.
func (p *program) do(step func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return errEnded
	}
	if p.failAt--; p.failAt != 0 {
		return step()
	}
	if errors.Is(p.failure, errEnded) {
		p.ended = true
		if p.halfway {
			_ = step()
		}
		for lock := range p.holds {
			<-lock
		}
		clear(p.holds)
	}
	return p.failure
}

func (p *program) Read(after uint64, most int) (s journal.State, commits []journal.Commit, err error) {
	err = p.do(func() error {
		s = p.state
		for _, c := range p.log {
			if c.Seq > after && len(commits) < most {
				commits = append(commits, c)
				p.read++
			}
		}
		return nil
	})
	return s, commits, err
}

func (p *program) Append(c journal.Commit, _ bool) error {
	return p.do(func() error {
		if len(p.log) > 0 && p.log[len(p.log)-1].Seq >= c.Seq || c.Seq <= p.state.Seq {
			return errors.New("there is a commit with the number")
		}
		p.log = append(p.log, journal.Commit{Seq: c.Seq, Batch: bytes.Clone(c.Batch)})
		return nil
	})
}

func (p *program) Sync() error { return p.do(func() error { return nil }) }

func (p *program) Values(generation, from uint64, most int) (values [][]byte, err error) {
	err = p.do(func() error {
		for i := range uint64(most) {
			value, ok := p.values[[2]uint64{generation, from + i}]
			if !ok {
				return nil
			}
			values = append(values, value)
		}
		return nil
	})
	return values, err
}

func (p *program) removeOthers(generation uint64) {
	for key := range p.values {
		if key[0] != generation {
			delete(p.values, key)
		}
	}
}

func (p *program) Begin(journal.State) error {
	return p.do(func() error {
		p.removeOthers(p.state.Generation)
		return nil
	})
}

func (p *program) PutValue(generation, n uint64, value []byte) error {
	return p.do(func() error {
		p.values[[2]uint64{generation, n}] = bytes.Clone(value)
		return nil
	})
}

func (p *program) Switch(to journal.State) error {
	return p.do(func() error {
		p.state = to
		p.removeOthers(to.Generation)
		for len(p.log) > 0 && p.log[0].Seq <= to.Before {
			p.log = p.log[1:]
		}
		return nil
	})
}

// take takes a lock of the disk, which is given back when the program ends.
func (p *program) take(ctx context.Context, lock chan struct{}, wait bool) (release func(), err error) {
	if !wait {
		select {
		case lock <- struct{}{}:
		default:
			return nil, engine.ErrLocked
		}
	} else {
		select {
		case lock <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		<-lock
		return nil, errEnded
	}
	p.holds[lock] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.holds[lock] {
			delete(p.holds, lock)
			<-lock
		}
	}, nil
}

func (p *program) Lock(ctx context.Context) (release func(), err error) {
	p.eachOther(func(other *program) { go other.db.GiveWay() })
	return p.take(ctx, p.appending, true)
}

func (p *program) TryCheckpoint(ctx context.Context) (release func(), err error) {
	return p.take(ctx, p.checkpointing, false)
}

func (p *program) Alone(context.Context) (shared func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, other := range p.programs {
		if other != p {
			return nil, engine.ErrLocked
		}
	}
	p.alone = p
	return p.share, nil
}

// share lets others in, if it is this program that keeps them away.
func (p *program) share() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.alone == p {
		p.alone = nil
	}
}

func (p *program) Committed() {
	p.eachOther(func(other *program) { go other.db.CatchUp() })
}

func (p *program) eachOther(fn func(*program)) {
	p.mu.Lock()
	others := p.programs
	p.mu.Unlock()
	for _, other := range others {
		if other != p {
			fn(other)
		}
	}
}

// open opens the disk.
func (d *disk) open(ctx context.Context, o journal.Options) (*program, error) {
	p := &program{disk: d, holds: map[chan struct{}]bool{}}
	o.Storage, o.Others = p, p
	o.End = p.leave
	d.mu.Lock()
	locked := d.alone != nil
	d.mu.Unlock()
	if locked {
		return nil, engine.ErrLocked
	}
	db, err := journal.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	p.db = db
	d.mu.Lock()
	d.programs = append(d.programs, p)
	d.mu.Unlock()
	return p, nil
}

// close ends the use of a program, whether it has ended by itself or not.
func (p *program) close() error {
	p.leave()
	return p.db.Close()
}

// leave makes it none of the programs.
func (p *program) leave() {
	p.share()
	p.mu.Lock()
	defer p.mu.Unlock()
	var rest []*program
	for _, other := range p.programs {
		if other != p {
			rest = append(rest, other)
		}
	}
	p.programs = rest
}
