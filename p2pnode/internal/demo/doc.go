// Package demo shows records spreading between peers: it starts a network in one
// process, publishes a data set through all of them, and then asks, stops,
// restarts and adds peers, telling what happens as a series of Events.
//
//	summary, err := demo.Run(ctx, demo.Options{Peers: 24, …}, func(e demo.Event) { fmt.Println(e) })
//
// Every check is made against the data set itself: a record counts as resolved
// if it came back with the content that was loaded, from a peer whose own tree
// did not have it the moment before.
//
// # Which peers are stopped
//
// A quarter of the peers is chosen at random. Those that publish keep their own
// row whatever happens, so what a stopped peer can take away is the copies that
// the DHT has placed. With replication K a record has K of them, and a random
// quarter holds all K of about one record in 4^K: at K = 5 one in a thousand.
// Such a record would be out of reach until one of the peers returns, in any
// network. So the peers are stopped in as few steps as leave every record a
// running peer that it was placed on; usually one is enough, at K = 1 none is.
// Between two steps, the records that have lost a copy are resolved, upon which
// kad-dht places them anew on the peers that are now closest. Records that no
// step can spare are reported as stranded, and as failures if they cannot be
// resolved.
package demo
