package demo

import (
	"context"
	"fmt"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
)

// join adds a new peer, which fetches every record and keeps it. A record that it cannot fetch
// is lost: all peers are running again, and none can fetch it.
func (r *run) join(ctx context.Context) error {
	contacts := r.net.contacts(r.net.members)
	m, err := r.net.add()
	if err != nil {
		return err
	}
	if err := m.open(ctx); err != nil {
		return err
	}
	if err := m.start(ctx); err != nil {
		return err
	}
	if err := r.net.join(ctx, m, contacts); err != nil {
		return err
	}
	fetched, err := r.resolveFrom(ctx, Join, indexesOf(r.acknowledged), []*member{m})
	if err != nil {
		return err
	}
	if err := r.keep(ctx, m, fetched.came); err != nil {
		return fmt.Errorf("peer %d: %w", m.number, err)
	}
	joined := Joined{
		Peer: m.number, ID: m.node.Host.ID().String(),
		Fetched: len(fetched.came), Retried: fetched.Retried, Seconds: fetched.Seconds,
	}
	if joined.Held, err = r.held(ctx); err != nil {
		return err
	}
	joined.Kept = joined.Held[m.number-1]
	r.emit(joined)
	return nil
}

// Bounds of one transaction of keep, in rows and in bytes of their text.
const (
	keepRows  = 256
	keepBytes = golang.MaxLineBytes
)

// keep puts the records that m has fetched into its own tree.
func (r *run) keep(ctx context.Context, m *member, came []int) error {
	var rows []golang.Package
	size := 0
	for _, i := range came {
		p := r.records[i]
		n := len(p.ImportPath) + len(p.Name) + len(p.Synopsis) + len(p.Module)
		if len(rows) == keepRows || (len(rows) > 0 && size+n > keepBytes) {
			if err := golang.Packages.PutMany(ctx, m.store, rows); err != nil {
				return err
			}
			rows, size = rows[:0], 0
		}
		rows, size = append(rows, p), size+n
	}
	return golang.Packages.PutMany(ctx, m.store, rows)
}
