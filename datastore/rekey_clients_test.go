package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
)

// client is a model of which every field can be part of a key.
type client struct {
	ID     uint64
	Serial int32
	Email  string
	Team   string
	Tags   []string
}

// teams is how many teams clients are in.
const teams = 101

func clientOf(id uint64) client {
	return client{
		ID: id, Serial: int32(1000 - id), Email: fmt.Sprint("mail", id), Team: fmt.Sprint("team", id%teams),
		Tags: []string{fmt.Sprint("tag", id%teams), fmt.Sprint("mark", id%(2*teams))},
	}
}

// clients is a tree of clients by some key, with the types of the keys erased.
type clients struct {
	definition *models.Definition
	put        func(context.Context, models.Writer, *client) error
	putUntil   func(context.Context, models.Writer, *client, time.Time) error
	remove     func(context.Context, models.Writer, *client) error
	// look returns what is found of an client by its primary key.
	look func(context.Context, models.Reader, *client) (client, error)
	all  func(context.Context, models.Reader) ([]client, error)
	// indexes return the clients that an index finds by the key of one.
	indexes []func(context.Context, models.Reader, *client) ([]client, error)
}

// clientIndex declares an index of a tree.
type clientIndex[K any] func(*models.Tree[client, K]) func(context.Context, models.Reader, *client) ([]client, error)

// clientsBy declares a tree of clients.
func clientsBy[K any](
	codec models.KeyCodec[K],
	key func(*client) K,
	indexes []clientIndex[K],
	opts ...models.TreeOption[client],
) clients {
	tree := models.NewTree("client", codec, key, opts...)
	a := clients{
		put: tree.Put, putUntil: tree.PutUntil,
		remove: func(ctx context.Context, w models.Writer, m *client) error { return tree.Delete(ctx, w, key(m)) },
		look: func(ctx context.Context, r models.Reader, m *client) (client, error) {
			return tree.Get(ctx, r, key(m))
		},
		all: func(ctx context.Context, r models.Reader) (all []client, err error) {
			for m, err := range tree.All(ctx, r) {
				if err != nil {
					return nil, err
				}
				all = append(all, m)
			}
			return all, nil
		},
	}
	for _, declare := range indexes {
		a.indexes = append(a.indexes, declare(tree))
	}
	a.definition = models.NewDefinition("bank", tree)
	return a
}

func plainIndex[K, I any](name string, version uint32, codec models.KeyCodec[I], of func(*client) I) clientIndex[K] {
	return func(tree *models.Tree[client, K]) func(context.Context, models.Reader, *client) ([]client, error) {
		ix := models.NewIndex(tree, name, codec, of, models.IndexVersion[client](version))
		return func(ctx context.Context, r models.Reader, m *client) (found []client, err error) {
			for m, err := range ix.Find(ctx, r, of(m)) {
				if err != nil {
					return nil, err
				}
				found = append(found, m)
			}
			return found, nil
		}
	}
}

func uniqueIndex[K, I any](name string, version uint32, codec models.KeyCodec[I], of func(*client) I) clientIndex[K] {
	return func(tree *models.Tree[client, K]) func(context.Context, models.Reader, *client) ([]client, error) {
		ix := models.NewUnique(tree, name, codec, of, models.IndexVersion[client](version))
		return func(ctx context.Context, r models.Reader, m *client) ([]client, error) {
			found, err := ix.Get(ctx, r, of(m))
			return []client{found}, err
		}
	}
}

func multiIndex[K any](
	name string,
	version uint32,
	of func(*client) []string,
	opts ...models.IndexOption[client],
) clientIndex[K] {
	return func(tree *models.Tree[client, K]) func(context.Context, models.Reader, *client) ([]client, error) {
		ix := models.NewMulti(tree, name, models.String, of, append(opts, models.IndexVersion[client](version))...)
		return func(ctx context.Context, r models.Reader, m *client) (found []client, err error) {
			for _, key := range of(m) {
				for m, err := range ix.Find(ctx, r, key) {
					if err != nil {
						return nil, err
					}
					found = append(found, m)
				}
			}
			return found, nil
		}
	}
}

func emailOf(a *client) string { return a.Email }
func teamOf(a *client) string  { return a.Team }
func idOf(a *client) uint64    { return a.ID }

// clientsByID and clientsByEmail are two releases of one program.
func clientsByID(opts ...models.TreeOption[client]) clients {
	return clientsBy(models.Uint64, idOf, []clientIndex[uint64]{
		plainIndex[uint64]("team", 0, models.String, teamOf),
		uniqueIndex[uint64]("email", 0, models.String, emailOf),
	}, opts...)
}

func clientsByEmail(opts ...models.TreeOption[client]) clients {
	return clientsBy(models.String, emailOf, []clientIndex[string]{
		plainIndex[string]("team", 0, models.String, teamOf),
		uniqueIndex[string]("id", 0, models.Uint64, idOf),
		multiIndex[string]("tag", 0, func(a *client) []string { return a.Tags }),
	}, append(opts, models.WithKeyVersion[client](1))...)
}

// expect looks for exactly the wanted clients, by key, in a range, and by every index.
func (a clients) expect(ctx context.Context, s *datastore.Store, want map[uint64]client) error {
	all, err := a.all(ctx, s)
	if err != nil {
		return err
	}
	got := map[uint64]client{}
	for _, m := range all {
		got[m.ID] = m
	}
	if len(all) != len(want) || !maps.EqualFunc(got, want, func(a, b client) bool { return reflect.DeepEqual(a, b) }) {
		return fmt.Errorf("the tree has %d clients, %v; want %d, %v", len(all), got, len(want), want)
	}
	for _, m := range want {
		found, err := a.look(ctx, s, &m)
		if err != nil || !reflect.DeepEqual(found, m) {
			return fmt.Errorf("client %d is %+v, %w", m.ID, found, err)
		}
		if len(want) > 500 && m.ID%40 != 0 {
			continue
		}
		for i, index := range a.indexes {
			found, err := index(ctx, s, &m)
			if err != nil || !slices.ContainsFunc(found, func(f client) bool { return reflect.DeepEqual(f, m) }) {
				return fmt.Errorf("index %d finds %+v by client %d, %w", i, found, m.ID, err)
			}
		}
	}
	report, err := datastore.Verify(ctx, s)
	if err != nil || !report.Clean() || report.Unknown > 0 {
		return fmt.Errorf("verifying: %+v, %w", report, err)
	}
	return nil
}

// fillClients stores clients 1 to n, and returns them.
func fillClients(
	t testing.TB,
	eng engine.Engine,
	a clients,
	n uint64,
	options ...datastore.OpenOption,
) map[uint64]client {
	t.Helper()
	s, err := datastore.Open(t.Context(), eng, append(options, a.definition)...)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[uint64]client{}
	err = s.Update(t.Context(), func(ctx context.Context, tx *datastore.WriteTx) error {
		for id := uint64(1); id <= n; id++ {
			rows[id] = clientOf(id)
			m := rows[id]
			if err := a.put(ctx, tx, &m); err != nil {
				return err
			}
		}
		return nil
	})
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return rows
}

// expectOpen opens the store, looks for the clients and closes it.
func (a clients) expectOpen(t testing.TB, eng engine.Engine, want map[uint64]client, options ...datastore.OpenOption) {
	t.Helper()
	s, err := datastore.Open(t.Context(), eng, append(options, a.definition)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.expect(t.Context(), s, want), s.Close()); err != nil {
		t.Fatal(err)
	}
}
