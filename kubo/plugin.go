package kubo

import (
	"context"
	"fmt"

	"github.com/ipfs/kubo/plugin"
	"github.com/ipfs/kubo/repo"
	"github.com/ipfs/kubo/repo/fsrepo"

	"github.com/newsnet-africa/netabase-go/datastore"
)

// Plugins are what a program gives to Kubo's loader.Preload, in an init function.
var Plugins = []plugin.Plugin{Plugin{}}

// Plugin tells Kubo of the datastore type "netabase".
type Plugin struct{}

var _ plugin.PluginDatastore = Plugin{}

// Name is the plugin's name in the section Plugins of Kubo's configuration.
func (Plugin) Name() string { return "ds-netabase" }

// Version is that of the plugin's options.
func (Plugin) Version() string { return "0.1.0" }

// Init does nothing: every repo has its options in its Datastore.Spec.
func (Plugin) Init(*plugin.Environment) error { return nil }

// DatastoreTypeName is the type of the datastore in Datastore.Spec.
func (Plugin) DatastoreTypeName() string { return typeName }

// DatastoreConfigParser returns the function that reads a part of Datastore.Spec. It
// returns ErrSpec for options that cannot be used.
func (Plugin) DatastoreConfigParser() fsrepo.ConfigFromMap {
	return func(spec map[string]any) (fsrepo.DatastoreConfig, error) {
		o, err := parse(spec)
		if err != nil {
			return nil, err
		}
		return config{o}, nil
	}
}

// config is a datastore that Kubo can open.
type config struct{ options }

// DiskSpec says where the data is, and nothing that may change from one start to the
// next.
func (c config) DiskSpec() fsrepo.DiskSpec {
	return fsrepo.DiskSpec{"type": typeName, "engine": c.engine, "path": c.path}
}

// Create opens the store of a repo, or makes it if there is none. Closing the
// datastore, which Kubo does with the repo, closes the store.
func (c config) Create(dir string) (repo.Datastore, error) {
	d, err := datastore.OpenDatastore(context.Background(), c.open(dir), datastore.OpenOptions{Relaxed: !c.sync})
	if err != nil {
		return nil, fmt.Errorf("netabase: %w", err)
	}
	return d, nil
}
