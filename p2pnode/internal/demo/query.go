package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
)

// examples is how many answers are shown.
const examples = 4

// query asks every peer for the packages of each module, and compares the answers with all rows
// of the peer.
func (r *run) query(ctx context.Context) error {
	began := time.Now()
	progress := r.watch(Query, len(r.net.members), nil)
	var (
		mu     sync.Mutex
		total  Queried
		answer = make([]Answer, len(r.net.members))
	)
	err := inParallel(ctx, starters, len(r.net.members), func(ctx context.Context, i int) error {
		defer progress.step()
		m := r.net.members[i]
		rows, err := inventory(ctx, m)
		if err != nil {
			return err
		}
		modules := map[string]int{}
		for _, p := range rows {
			modules[p.Module]++
		}
		for module, want := range modules {
			got, err := r.queryModule(ctx, m, module, rows)
			if err != nil {
				return fmt.Errorf("peer %d: packages of module %s: %w", m.number, module, err)
			}
			if len(got) != want {
				r.fail(Failure{
					Stage: Query, Record: "module " + module, Peer: m.number,
					Reason: fmt.Sprintf("the index gave %d of the %d packages in the tree", len(got), want),
				})
			}
			mu.Lock()
			total.Queries++
			total.Rows += len(got)
			for _, index := range got {
				r.found[index] = true
			}
			mu.Unlock()
		}
		answer[i], err = example(ctx, m, modules)
		return err
	})
	progress.end()
	if err != nil {
		return err
	}
	for _, i := range r.net.random.Perm(len(answer))[:min(examples, len(answer))] {
		if answer[i].Packages > 0 {
			r.emit(answer[i])
		}
	}
	total.Found, total.Seconds = len(indexesOf(r.found)), since(began)
	r.emit(total)
	return nil
}

// queryModule asks m for the packages of a module. It returns the indexes of the records in the
// correct answers: a row must be among rows, which are all rows of m, and equal the loaded
// record.
func (r *run) queryModule(
	ctx context.Context, m *member, module string, rows map[string]golang.Package,
) ([]int, error) {
	var got []int
	for p, err := range golang.PackageByModule.Find(ctx, m.store, module) {
		if err != nil {
			return got, err
		}
		i, ok := r.byPath[p.ImportPath]
		if !ok || p.Module != module || p != rows[p.ImportPath] || p != r.records[i] {
			r.fail(Failure{
				Stage: Query, Record: p.ImportPath, Peer: m.number,
				Reason: fmt.Sprintf("the index gave a wrong row for module %q: %+v", module, p),
			})
			continue
		}
		got = append(got, i)
	}
	return got, nil
}

// example picks a module of which m holds many packages, another one for every peer, and its
// package with the most imports.
func example(ctx context.Context, m *member, modules map[string]int) (Answer, error) {
	a := Answer{Peer: m.number}
	if len(modules) == 0 {
		return a, nil
	}
	largest := slices.SortedFunc(maps.Keys(modules), func(a, b string) int {
		if d := modules[b] - modules[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	a.Module = largest[m.number%min(len(largest), 2*examples)]
	var err error
	if a.Packages, err = golang.PackageByModule.Count(ctx, m.store, models.Only(a.Module)); err != nil {
		return a, err
	}
	for p, err := range golang.PackageByImports.Range(ctx, m.store, models.Range[uint64]{}.Reverse().Limit(1)) {
		if err != nil {
			return a, err
		}
		a.Most, a.Imports = p.ImportPath, p.Imports
	}
	return a, nil
}

// inventory returns all rows of m, by import path.
func inventory(ctx context.Context, m *member) (map[string]golang.Package, error) {
	rows := map[string]golang.Package{}
	for p, err := range golang.Packages.All(ctx, m.store) {
		if err != nil {
			return nil, fmt.Errorf("peer %d: %w", m.number, err)
		}
		rows[p.ImportPath] = p
	}
	return rows, nil
}
