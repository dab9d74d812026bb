package kubo

import (
	_ "embed"
	"encoding/json"
	"fmt"

	kubo "github.com/ipfs/kubo/config"
)

// The parts of Datastore.Spec that the profiles set, and docs/kubo.md shows.
var (
	//go:embed spec/netabase.json
	wholeSpec []byte
	//go:embed spec/flatfs-netabase.json
	flatfsSpec []byte
)

// Profiles are for "ipfs init --profile". They are among config.Profiles of Kubo in
// every program that imports this package, and do nothing to a repo that is there.
var Profiles = map[string]kubo.Profile{
	"netabase": profile(wholeSpec, `Configures the node to keep everything in a Netabase store.

NOTE: This profile may only be applied when first initializing node at IPFS_PATH
      via 'ipfs init --profile netabase'
`),
	"flatfs-netabase": profile(flatfsSpec, `Configures the node to keep blocks in flatfs, one file for each, and everything
else in a Netabase store.

NOTE: This profile may only be applied when first initializing node at IPFS_PATH
      via 'ipfs init --profile flatfs-netabase'
`),
}

func init() {
	for name, p := range Profiles {
		kubo.Profiles[name] = p
	}
}

func profile(spec []byte, description string) kubo.Profile {
	return kubo.Profile{
		Description: description,
		InitOnly:    true,
		Transform: func(c *kubo.Config) error {
			c.Datastore.Spec = nil // nothing of another datastore stays
			if err := json.Unmarshal(spec, &c.Datastore.Spec); err != nil {
				return fmt.Errorf("netabase: read the profile's Datastore.Spec: %w", err)
			}
			return nil
		},
	}
}
