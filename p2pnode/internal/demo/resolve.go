package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
	"github.com/newsnet-africa/netabase-go/record"
)

// resolve resolves every record with all peers running.
func (r *run) resolve(ctx context.Context) error {
	got, err := r.resolveFrom(ctx, Resolve, indexesOf(r.acknowledged), r.net.running())
	if err != nil {
		return err
	}
	r.emit(got.Resolved)
	return nil
}

// round is the result of a round of lookups.
type round struct {
	Resolved
	// came are the indexes of the records that came back with their content.
	came []int
}

// resolveFrom resolves records, each from a peer that does not hold it, and returns the result.
// A record that fails is no longer resolved, except in stage Stop: a later stage asks for all
// of them again.
func (r *run) resolveFrom(ctx context.Context, stage Stage, which []int, from []*member) (round, error) {
	began := time.Now()
	var held, retried atomic.Int64
	came := make([]bool, len(r.records))
	progress := r.watch(stage, len(which), nil)
	err := inParallel(ctx, workers, len(which), func(ctx context.Context, i int) error {
		defer progress.step()
		index := which[i]
		random := rand.New(rand.NewPCG(r.opts.Seed, uint64(index)))
		var asked asked
		var err error
		for attempt := range attempts {
			if attempt == 1 {
				retried.Add(1)
			}
			asked, err = r.resolveOne(ctx, index, from, random)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err == nil || errors.Is(err, errContent) {
				break
			}
		}
		if asked.holds {
			held.Add(1)
		}
		switch {
		case err == nil:
			came[index] = true
		case stage != Stop:
			r.resolved[index] = false
			r.fail(Failure{
				Stage: stage, Record: r.records[index].ImportPath, Peer: asked.member.number, Reason: err.Error(),
				Lost: stage == Join,
			})
		}
		return nil
	})
	progress.end()
	got := round{came: indexesOf(came)}
	got.Resolved = Resolved{
		Stage: stage, Asked: len(which), Resolved: len(got.came), Held: int(held.Load()),
		Retried: int(retried.Load()), Seconds: since(began),
	}
	return got, err
}

// errContent says that a record came back with other content than was published.
var errContent = errors.New("it came back with other content")

// asked is the peer that a record was looked up at, and whether that peer held it.
type asked struct {
	member *member
	holds  bool
}

// resolveOne resolves one record from a peer whose own tree does not have it, or from any peer
// if all have it.
func (r *run) resolveOne(ctx context.Context, index int, from []*member, random *rand.Rand) (asked, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	want := r.records[index]
	var who asked
	for _, i := range random.Perm(len(from)) {
		who.member = from[i]
		var err error
		who.holds, err = golang.Packages.Has(ctx, who.member.store, want.ImportPath)
		if err != nil {
			return who, err
		}
		if !who.holds {
			break
		}
	}
	got, err := record.Resolve(ctx, who.member.node.Record, golang.Packages, want.ImportPath)
	if err != nil {
		return who, err
	}
	who.member.served.resolved(want.ImportPath)
	if got != want {
		return who, fmt.Errorf("%w: %+v", errContent, got)
	}
	return who, nil
}
