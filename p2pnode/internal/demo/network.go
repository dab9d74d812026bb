package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"
)

// These say how many things are done at a time.
const (
	// starters open and close stores and hosts.
	starters = 4
	// joiners connect to one another.
	joiners = 8
	// workers publish and resolve. Each waits most of the time, partly for stopped peers. With
	// a third as many, 10,000 records take nearly twice as long, most of it in that stage.
	workers = 96
)

// contacts is how many peers a new peer is told of. It finds the others itself.
const contacts = 3

// joinTimeout is how long joining may take.
const joinTimeout = 30 * time.Second

// network is all peers of a demonstration. One goroutine changes it. While no peer starts or
// stops, others may read it.
type network struct {
	opts Options
	dir  string // "" if nothing is on disk
	// members are the peers, number 1 first. Stopped ones stay in their place.
	members []*member
	random  *rand.Rand
	// pages are those that show the network, nil for none.
	pages *pages
}

func newNetwork(opts Options) (*network, error) {
	n := &network{opts: opts, random: rand.New(rand.NewPCG(opts.Seed, 0))}
	if !opts.Engine.onDisk() {
		return n, nil
	}
	var err error
	if opts.Keep == "" {
		n.dir, err = os.MkdirTemp("", "netabase-demo-")
		return n, err
	}
	if n.dir, err = filepath.Abs(opts.Keep); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(n.dir)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: peers are kept in a directory of their own", n.dir)
	}
	return n, nil
}

// add makes the next peer, stopped.
func (n *network) add() (*member, error) {
	number := len(n.members) + 1
	dir := ""
	if n.dir != "" {
		dir = filepath.Join(n.dir, fmt.Sprintf("peer-%03d", number))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	m, err := newMember(number, n.opts.Replication, n.opts.Engine, dir)
	if err != nil {
		return nil, err
	}
	if n.pages != nil {
		m.served = n.pages.add(number)
	}
	n.members = append(n.members, m)
	return m, nil
}

// start starts the first peers and connects them. Each is told of a few earlier ones, as if
// they joined one after the other, and then looks for its neighbours. At the end, when all are
// there, each looks once more.
func (n *network) start(ctx context.Context, started func()) error {
	for range n.opts.Peers {
		if _, err := n.add(); err != nil {
			return err
		}
	}
	err := inParallel(ctx, starters, len(n.members), func(ctx context.Context, i int) error {
		if err := n.members[i].open(ctx); err != nil {
			return err
		}
		if err := n.members[i].start(ctx); err != nil {
			return err
		}
		started()
		return nil
	})
	if err != nil {
		return err
	}
	known := make([][]peer.AddrInfo, len(n.members))
	for i := range n.members {
		known[i] = n.contacts(n.members[:i])
	}
	// The first peer has nobody to join: the second one joins it.
	err = inParallel(ctx, joiners, len(n.members)-1, func(ctx context.Context, i int) error {
		return n.join(ctx, n.members[i+1], known[i+1])
	})
	if err != nil {
		return err
	}
	return inParallel(ctx, joiners, len(n.members), func(ctx context.Context, i int) error {
		return n.members[i].node.FindNeighbours(ctx)
	})
}

// contacts picks a few running peers.
func (n *network) contacts(from []*member) []peer.AddrInfo {
	var addresses []peer.AddrInfo
	for _, i := range n.random.Perm(len(from)) {
		if m := from[i]; m.node != nil && len(addresses) < contacts {
			addresses = append(addresses, m.node.Address())
		}
	}
	return addresses
}

func (n *network) join(ctx context.Context, m *member, contacts []peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	if err := m.node.Join(ctx, contacts); err != nil {
		return fmt.Errorf("peer %d: %w", m.number, err)
	}
	return nil
}

// running returns the peers that are in the network.
func (n *network) running() []*member {
	return slices.DeleteFunc(slices.Clone(n.members), func(m *member) bool { return m.node == nil })
}

// stop stops peers, all at once.
func (n *network) stop(members []*member) error {
	// The stop ignores ctx: a store that is left open cannot be removed.
	return inParallel(context.Background(), len(members), len(members), func(_ context.Context, i int) error {
		if err := members[i].stop(); err != nil {
			return fmt.Errorf("stop peer %d: %w", members[i].number, err)
		}
		return nil
	})
}

// removeAfter is how long peers may take to stop. After that the directory of a finished
// demonstration is removed while they still run.
const removeAfter = 1500 * time.Millisecond

// close stops all peers and removes temporary files.
func (n *network) close() error {
	stopped := make(chan error, 1)
	go func() { stopped <- n.stop(n.members) }()
	if n.dir == "" || n.opts.Keep != "" {
		return <-stopped
	}
	var err error
	select {
	case err = <-stopped:
	case <-time.After(removeAfter):
	}
	return errors.Join(err, os.RemoveAll(n.dir))
}

// inParallel calls do with 0 to n-1, limit at a time, until one call fails or ctx ends, and
// returns that error. It returns after all calls have.
func inParallel(ctx context.Context, limit, n int, do func(ctx context.Context, i int) error) error {
	if n == 0 {
		return nil
	}
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for i := range n {
		if each.Err() != nil {
			break
		}
		group.Go(func() error { return do(each, i) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}
