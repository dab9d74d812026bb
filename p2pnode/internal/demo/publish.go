package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
	"github.com/newsnet-africa/netabase-go/record"
)

// A record is published or looked up several times before it counts as failed, each time within
// this limit. In a network where peers come and go a single lookup can miss.
const (
	attempts       = 3
	attemptTimeout = 20 * time.Second
)

// start starts the peers.
func (r *run) start(ctx context.Context) error {
	began := time.Now()
	progress := r.watch(Start, r.opts.Peers, nil)
	err := r.net.start(ctx, progress.step)
	progress.end()
	if err != nil {
		return err
	}
	var started Started
	var known []int
	for _, m := range r.net.members {
		started.IDs = append(started.IDs, m.node.Host.ID().String())
		known = append(known, m.node.DHT.RoutingTable().Size())
	}
	started.Known, started.Dir, started.Seconds = rangeOf(known), r.net.dir, since(began)
	r.emit(started)
	return nil
}

// publish publishes every record. The peers take turns.
func (r *run) publish(ctx context.Context) error {
	began := time.Now()
	progress := r.watch(Publish, len(r.records), func() ([]int, error) { return r.held(ctx) })
	err := inParallel(ctx, workers, len(r.records), func(ctx context.Context, i int) error {
		defer progress.step()
		m := r.net.members[i%len(r.net.members)]
		r.publisher[i] = m
		var err error
		for range attempts {
			if err = publishOne(ctx, m, &r.records[i]); err == nil {
				r.acknowledged[i], r.resolved[i] = true, true
				return nil
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
		r.fail(Failure{Stage: Publish, Record: r.records[i].ImportPath, Peer: m.number, Reason: err.Error()})
		return nil
	})
	progress.end()
	if err != nil {
		return err
	}
	acknowledged := len(indexesOf(r.acknowledged))
	r.emit(Published{Acknowledged: acknowledged, Failed: len(r.records) - acknowledged, Seconds: since(began)})
	return nil
}

func publishOne(ctx context.Context, m *member, p *golang.Package) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	report, err := record.Publish(ctx, m.node.Record, golang.Packages, p)
	if err == nil {
		m.served.published(p.ImportPath, report)
	}
	return err
}

// spread counts the peers that hold each record.
func (r *run) spread(ctx context.Context) error {
	r.watch(Spread, len(r.net.members), nil).end()
	holders, err := r.findHolders(ctx)
	if err != nil {
		return err
	}
	held := make([]int, len(r.net.members))
	var copies []int
	for i, of := range holders {
		for _, m := range of {
			held[m.number-1]++
		}
		if r.acknowledged[i] {
			copies = append(copies, len(of))
		}
	}
	r.holders = rangeOf(copies)
	r.emit(Spreading{Held: held, PeerHolds: rangeOf(held), Holders: r.holders, Peers: len(r.net.members)})
	return nil
}

// held counts the records in each peer's own tree. All peers must be running.
func (r *run) held(ctx context.Context) ([]int, error) {
	held := make([]int, len(r.net.members))
	for i, m := range r.net.members {
		var err error
		if held[i], err = golang.Packages.Count(ctx, m.store, models.Range[string]{}); err != nil {
			return nil, fmt.Errorf("peer %d: %w", m.number, err)
		}
	}
	return held, nil
}

// findHolders reads the running peers' own trees. It returns for each record the members that
// hold it.
func (r *run) findHolders(ctx context.Context) ([][]*member, error) {
	holders := make([][]*member, len(r.records))
	for _, m := range r.net.running() {
		for path, err := range golang.Packages.Keys(ctx, m.store, models.Range[string]{}) {
			if err != nil {
				return nil, err
			}
			if i, ok := r.byPath[path]; ok {
				holders[i] = append(holders[i], m)
			}
		}
	}
	return holders, nil
}

// rangeOf returns the range of some numbers.
func rangeOf(numbers []int) Range {
	if len(numbers) == 0 {
		return Range{}
	}
	numbers = slices.Sorted(slices.Values(numbers))
	return Range{Min: numbers[0], Median: numbers[(len(numbers)-1)/2], Max: numbers[len(numbers)-1]}
}
