// Package kubo lets Kubo keep its repo in a Netabase store: [Plugin] is a datastore
// plugin of type "netabase", and the program in cmd/ipfs is the whole of ipfs with it.
// docs/kubo.md of the repository shows how a repo is made, moved and measured.
//
// A part of Datastore.Spec that names the plugin has these options:
//
//	type        "netabase"
//	path        the directory of the store, within the repo unless it is absolute; required
//	engine      "badger" or "bolt"; defaults to "badger"
//	sync        true lets every write wait for the disk, false only Kubo's own calls of
//	            Sync; defaults to false, as for Kubo's other datastores
//	compress    true writes compressed tables; badger only; defaults to false
//	memTableMB  the MiB of writes that are gathered in memory, 1 to 512; badger only;
//	            defaults to badger.DefaultMemTableMB of package datastore/engine/badger
//	mountpoint  where Kubo mounts the datastore, in a spec of type "mount"
//
// Anything else is refused by name. Importing the package adds two profiles for
// "ipfs init --profile" as well: see [Profiles].
package kubo
