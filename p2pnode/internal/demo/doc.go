// Package demo shows how records spread between peers. It starts a network in one process and
// publishes a data set through all peers. Then it queries, stops, restarts and adds peers. It
// reports everything as a series of Events.
//
//	summary, err := demo.Run(ctx, demo.Options{Peers: 24, …}, func(e demo.Event) { fmt.Println(e) })
//
// Every check compares with the data set. A record counts as resolved if a peer whose own tree
// did not have it a moment before returned it with the published content.
//
// # Which peers are stopped
//
// A random quarter of the peers is stopped. Publishers keep their own rows, so a stopped peer
// takes away only copies that the DHT has placed. With replication K a record has K of them,
// and a random quarter holds all K of about one record in 4^K: at K = 5 one in a thousand. In
// any network such a record would be out of reach until one of the peers returns.
//
// So the peers are stopped in several steps. After each step, every record still has a running
// peer on which it was placed. Usually one step is enough; at K = 1 no peer can be spared.
// Between two steps, the records that have lost a copy are resolved, and kad-dht places them on
// the peers that are now closest. Records that no step can spare are reported as stranded, and
// as failures if they cannot be resolved.
package demo
