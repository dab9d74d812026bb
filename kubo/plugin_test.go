package kubo

import (
	"context"
	"errors"
	"testing"

	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	kubo "github.com/ipfs/kubo/config"
	"github.com/ipfs/kubo/plugin"
	"github.com/ipfs/kubo/plugin/plugins/flatfs"
	"github.com/ipfs/kubo/repo/fsrepo"

	"github.com/newsnet-africa/netabase-go/models"
)

// The types of datastores that a test needs are registered as Kubo's loader does it.
func init() {
	for _, p := range append(Plugins, flatfs.Plugins...) {
		d := p.(plugin.PluginDatastore)
		if err := fsrepo.AddDatastoreConfigHandler(d.DatastoreTypeName(), d.DatastoreConfigParser()); err != nil {
			panic(err)
		}
	}
}

// open opens what a spec says in a repo, as Kubo does.
func open(t *testing.T, spec map[string]any, repo string) ds.Batching {
	t.Helper()
	c, err := fsrepo.AnyDatastoreConfig(spec)
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Create(repo)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// profileSpec is the Datastore.Spec of a profile, with another engine.
func profileSpec(t *testing.T, name, engine string) map[string]any {
	t.Helper()
	c := kubo.Config{Datastore: kubo.Datastore{Spec: map[string]any{"type": "of another datastore", "stays": true}}}
	if err := kubo.Profiles[name].Transform(&c); err != nil {
		t.Fatal(err)
	}
	spec := c.Datastore.Spec
	if _, there := spec["stays"]; there {
		t.Errorf("profile %s keeps options of the datastore before: %v", name, spec)
	}
	if mounts, ok := spec["mounts"].([]any); ok {
		mounts[len(mounts)-1].(map[string]any)["engine"] = engine
	} else {
		spec["engine"] = engine
	}
	return spec
}

// TestRepos does with a repo's datastore what Kubo does: it writes, closes the repo,
// opens it, measures and collects.
func TestRepos(t *testing.T) {
	ctx := context.Background()
	for _, profile := range []string{"netabase", "flatfs-netabase"} {
		for _, engine := range []string{engineBadger, engineBolt} {
			t.Run(profile+" "+engine, func(t *testing.T) {
				repo, spec := t.TempDir(), profileSpec(t, profile, engine)
				block, pin := ds.NewKey("/blocks/CIQA"), ds.NewKey("/pins/x")
				d := open(t, spec, repo)
				b, err := d.Batch(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, key := range []ds.Key{block, pin} {
					if err := b.Put(ctx, key, []byte(key.String())); err != nil {
						t.Fatal(err)
					}
				}
				if err := errors.Join(b.Commit(ctx), d.Sync(ctx, ds.NewKey("/")), d.Close()); err != nil {
					t.Fatal(err)
				}

				d = open(t, spec, repo) // fails unless Close has closed the store
				for _, key := range []ds.Key{block, pin} {
					if v, err := d.Get(ctx, key); err != nil || string(v) != key.String() {
						t.Errorf("Get(%s) = %q, %v", key, v, err)
					}
				}
				results, err := d.Query(ctx, query.Query{Prefix: "/blocks", KeysOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				if found, err := results.Rest(); err != nil || len(found) != 1 || found[0].Key != block.String() {
					t.Errorf("the query for blocks returns %v, %v", found, err)
				}
				if size, err := ds.DiskUsage(ctx, d); err != nil || size == 0 {
					t.Errorf("DiskUsage = %d, %v", size, err)
				}
				if err := d.(ds.GCDatastore).CollectGarbage(ctx); err != nil {
					t.Error(err)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
				if _, err := d.Get(ctx, pin); !errors.Is(err, models.ErrClosed) {
					t.Errorf("Get after Close: %v", err)
				}
			})
		}
	}
}

// TestInterfaces asks for what Kubo looks for in a datastore: without
// ds.GCDatastore "ipfs repo gc" gives no space back, and without
// ds.PersistentDatastore Kubo never collects by itself.
func TestInterfaces(t *testing.T) {
	d := open(t, profileSpec(t, "netabase", engineBadger), t.TempDir())
	defer d.Close()
	if _, ok := d.(ds.GCDatastore); !ok {
		t.Error("no ds.GCDatastore")
	}
	if _, ok := d.(ds.PersistentDatastore); !ok {
		t.Error("no ds.PersistentDatastore")
	}
}
