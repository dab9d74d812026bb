package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
)

// These say how long the network may take to place records again before the next peers are
// stopped, and how often the program checks. kad-dht does it in the background.
const (
	healTimeout = 5 * time.Second
	healEvery   = 20 * time.Millisecond
)

// absence is a stopped peer and the rows it held.
type absence struct {
	member *member
	held   map[string]golang.Package
}

// stopAndReturn stops a quarter of the peers, resolves every record from the others, and starts
// the stopped ones again.
func (r *run) stopAndReturn(ctx context.Context) error {
	absent, err := r.stop(ctx)
	if err != nil {
		return err
	}
	resolved, err := r.resolveFrom(ctx, Remain, indexesOf(r.acknowledged), r.net.running())
	if err != nil {
		return err
	}
	r.emit(resolved.Resolved)
	return r.restart(ctx, absent)
}

// stop stops a quarter of the peers, in as few steps as leave every record a running peer on
// which the DHT has placed it. See the package comment.
func (r *run) stop(ctx context.Context) ([]absence, error) {
	var chosen []*member
	for _, i := range r.net.random.Perm(len(r.net.members))[:len(r.net.members)/4] {
		chosen = append(chosen, r.net.members[i])
	}
	r.stopped = len(chosen)
	r.emit(Progress{Stage: Stop, Total: r.stopped})
	var absent []absence
	for deadline := time.Now().Add(healTimeout); len(chosen) > 0; {
		holders, err := r.findHolders(ctx)
		if err != nil {
			return nil, err
		}
		now, later := r.split(chosen, holders)
		if len(now) == 0 {
			if time.Now().Before(deadline) {
				if err := pause(ctx, healEvery); err != nil {
					return nil, err
				}
				continue
			}
			// No later step would improve this.
			now, later = chosen, nil
		}
		e := Stopped{Left: len(later)}
		for _, m := range now {
			if err := m.leave(); err != nil {
				return nil, fmt.Errorf("peer %d leaves: %w", m.number, err)
			}
			held, err := inventory(ctx, m)
			if err != nil {
				return nil, err
			}
			absent = append(absent, absence{member: m, held: held})
			e.Peers = append(e.Peers, m.number)
		}
		if err := r.net.stop(now); err != nil {
			return nil, err
		}
		var touched []int
		for i, of := range holders {
			switch left := r.placed(i, of); {
			case left == 0 && r.acknowledged[i]:
				e.Stranded++
			case r.acknowledged[i] && lost(of):
				touched = append(touched, i)
			}
		}
		e.Down = len(absent)
		r.emit(e)
		chosen = later
		if len(chosen) > 0 {
			healed, err := r.resolveFrom(ctx, Stop, touched, r.net.running())
			if err != nil {
				return nil, err
			}
			r.emit(healed.Resolved)
			deadline = time.Now().Add(healTimeout)
		}
	}
	return absent, nil
}

// split returns which of the chosen peers can be stopped at once, and the others. Every record
// in holders must keep a running peer that did not publish it.
func (r *run) split(chosen []*member, holders [][]*member) (now, later []*member) {
	placed := make([]int, len(holders))
	of := map[*member][]int{}
	for i, members := range holders {
		placed[i] = r.placed(i, members)
		for _, m := range members {
			if m != r.publisher[i] {
				of[m] = append(of[m], i)
			}
		}
	}
next:
	for _, m := range chosen {
		for _, i := range of[m] {
			if placed[i] == 1 && r.acknowledged[i] {
				later = append(later, m)
				continue next
			}
		}
		for _, i := range of[m] {
			placed[i]--
		}
		now = append(now, m)
	}
	return now, later
}

// placed counts the running peers among the holders of record i that did not publish it. The
// DHT finds the record on them, because they are close to its key.
func (r *run) placed(i int, holders []*member) int {
	n := 0
	for _, m := range holders {
		if m.node != nil && m != r.publisher[i] {
			n++
		}
	}
	return n
}

// lost reports whether one of the holders has stopped.
func lost(holders []*member) bool {
	for _, m := range holders {
		if m.node == nil {
			return true
		}
	}
	return false
}

// restart starts the stopped peers again. Before they join the network, it compares their
// stores with the rows they held.
func (r *run) restart(ctx context.Context, absent []absence) error {
	began := time.Now()
	progress := r.watch(Restart, len(absent), nil)
	returned := Returned{Peers: len(absent), FromDisk: r.opts.Engine.onDisk()}
	events := make([]Restarted, len(absent))
	err := inParallel(ctx, starters, len(absent), func(ctx context.Context, i int) error {
		defer progress.step()
		m := absent[i].member
		if err := m.open(ctx); err != nil {
			return err
		}
		rows, err := inventory(ctx, m)
		if err != nil {
			return err
		}
		e := Restarted{Peer: m.number, Held: len(absent[i].held), FromDisk: returned.FromDisk}
		for path, before := range absent[i].held {
			reason := ""
			switch row, ok := rows[path]; {
			case !ok:
				reason = "the row is not there after a restart"
			case row != before:
				reason = fmt.Sprintf("the row is another one after a restart: %+v", row)
			default:
				e.Intact++
				continue
			}
			r.fail(Failure{Stage: Restart, Record: path, Peer: m.number, Reason: reason, Lost: true})
		}
		events[i] = e
		return m.start(ctx)
	})
	progress.end()
	if err != nil {
		return err
	}
	for _, e := range events {
		r.emit(e)
		returned.Held += e.Held
		returned.Intact += e.Intact
		if e.Intact == e.Held {
			r.restored++
		}
	}
	contacts := r.net.contacts(r.net.members)
	err = inParallel(ctx, joiners, len(absent), func(ctx context.Context, i int) error {
		return r.net.join(ctx, absent[i].member, contacts)
	})
	if err != nil {
		return err
	}
	returned.Seconds = since(began)
	r.emit(returned)
	return nil
}

// pause waits, no longer than ctx lasts.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
