// Package daemon runs the node of a directory: its store, its peer and its control interface.
//
//	_, _, err := daemon.Init(dir)
//	cfg, err := settings.Load()
//	d, err := daemon.Start(ctx, cfg, daemon.Options{})
//	<-ctx.Done()
//	err = d.Close()
//
// Open opens the same without a network, for commands on a directory whose node does not run.
//
// One process at a time has a directory. It holds a lock, which the system gives back when the
// process ends, also if it was killed.
package daemon
