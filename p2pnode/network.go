package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const resolveHelp = `Asks the network for the record of MODEL with KEY, checks it, and prints the row. It stores
nothing: the peers nearest to a key hold its record. get prints what this peer has already.

` + keysHelp

const holdersHelp = `Asks the peers nearest to the key of a record whether they have it, and whether it is the
one that is stored here.

` + keysHelp

const providersHelp = `Prints the peers that provide the content of a CID. With -local it prints those that this
node keeps provider records of, and asks no other peer.`

// resolve returns the command "resolve".
func (p program) resolve(flags *flag.FlagSet) *ffcli.Command {
	asJSON := jsonFlag(flags)
	return &ffcli.Command{
		Name:       "resolve",
		ShortUsage: "p2pnode resolve [flags] MODEL KEY",
		ShortHelp:  "get a record from the peers that hold it",
		LongHelp:   resolveHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			return p.onNode(ctx, flags, args, "resolve takes a model and a key", 2, func(n *node, args []string) error {
				t, err := n.tree(ctx, args[0])
				if err != nil {
					return err
				}
				row, err := n.Resolve(ctx, t.Name, args[1])
				var answer *api.Error
				if errors.As(err, &answer) && answer.Code == api.NotFound {
					return statusError{err, exitNoPeers}
				}
				switch {
				case err != nil:
					return err
				case *asJSON:
					return p.json().Encode(row)
				}
				return p.printFields(t, row)
			})
		},
	}
}

// onNode calls do with the running node, for a command with a fixed number of arguments.
func (p program) onNode(
	ctx context.Context, flags *flag.FlagSet, args []string, takes string, number int,
	do func(n *node, args []string) error,
) error {
	args, err := arguments(flags, args, takes, number, number)
	if err != nil {
		return err
	}
	n, err := p.openRunning(ctx)
	return p.with(n, err, func(n *node) error { return do(n, args) })
}

// holders returns the command "holders".
func (p program) holders(flags *flag.FlagSet) *ffcli.Command {
	asJSON := jsonFlag(flags)
	return &ffcli.Command{
		Name:       "holders",
		ShortUsage: "p2pnode holders [flags] MODEL KEY",
		ShortHelp:  "ask which peers have a record",
		LongHelp:   holdersHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			return p.onNode(ctx, flags, args, "holders takes a model and a key", 2, func(n *node, args []string) error {
				t, err := n.tree(ctx, args[0])
				if err != nil {
					return err
				}
				holders, err := n.Holders(ctx, t.Name, args[1])
				switch {
				case err != nil:
					return err
				case *asJSON:
					return encodeAll(p.json(), holders)
				}
				return p.printHolders(holders)
			})
		},
	}
}

func (p program) printHolders(holders []api.Holder) error {
	t := table.New(p.tables(), table.Column{Name: "PEER"}, table.Column{Name: "RECORD"},
		table.Column{Name: "ERROR", Rare: true})
	for _, h := range holders {
		has := "none"
		switch {
		case h.Has && h.Same:
			has = "the same"
		case h.Has:
			has = "another"
		case h.Error != "":
			has = ""
		}
		if err := t.Add(h.Peer, has, h.Error); err != nil {
			return err
		}
	}
	return t.Close()
}

// peers returns the command "peers".
func (p program) peers(flags *flag.FlagSet) *ffcli.Command {
	asJSON := jsonFlag(flags)
	return &ffcli.Command{
		Name:       "peers",
		ShortUsage: "p2pnode peers [flags]",
		ShortHelp:  "list the peers that are connected or known",
		LongHelp:   "Lists the peers that the node is connected to, or that are in its routing table.",
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			return p.onNode(ctx, flags, args, "peers takes no arguments", 0, func(n *node, _ []string) error {
				peers, err := n.Peers(ctx)
				switch {
				case err != nil:
					return err
				case *asJSON:
					return encodeAll(p.json(), peers)
				}
				return p.printPeers(peers)
			})
		},
	}
}

func (p program) printPeers(peers []api.Peer) error {
	t := table.New(p.tables(), table.Column{Name: "PEER"}, table.Column{Name: "STATE"},
		table.Column{Name: "MS", Right: true, Rare: true}, table.Column{Name: "ADDRESS", Rare: true},
		table.Column{Name: "AGENT", Rare: true})
	for _, peer := range peers {
		state := "known"
		if peer.Connected {
			state = peer.Direction
		}
		latency := ""
		if peer.LatencyMS > 0 {
			latency = fmt.Sprintf("%.1f", peer.LatencyMS)
		}
		if err := t.Add(peer.ID, state, latency, strings.Join(peer.Addresses, " "), peer.Agent); err != nil {
			return err
		}
	}
	return t.Close()
}

// connect returns the command "connect".
func (p program) connect(flags *flag.FlagSet) *ffcli.Command {
	asJSON := jsonFlag(flags)
	return &ffcli.Command{
		Name:       "connect",
		ShortUsage: "p2pnode connect [flags] ADDRESS",
		ShortHelp:  "connect to a peer",
		LongHelp: `Connects the node to the peer at ADDRESS, as /ip4/10.1.2.3/tcp/4001/p2p/12D3KooW…. p2pnode
stat prints the addresses of a node.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			return p.onNode(ctx, flags, args, "connect takes an address", 1, func(n *node, args []string) error {
				peer, err := n.Connect(ctx, args[0])
				switch {
				case err != nil:
					return err
				case *asJSON:
					return p.json().Encode(peer)
				}
				fmt.Fprintf(p.out, "connected to %s\n", peer.ID)
				return nil
			})
		},
	}
}

// provide returns the command "provide".
func (p program) provide(flags *flag.FlagSet) *ffcli.Command {
	return &ffcli.Command{
		Name:       "provide",
		ShortUsage: "p2pnode provide [flags] CID",
		ShortHelp:  "announce that this peer has some content",
		LongHelp:   "Announces in the DHT that this peer has the content of CID.",
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			return p.onNode(ctx, flags, args, "provide takes a CID", 1, func(n *node, args []string) error {
				if err := n.Provide(ctx, args[0]); err != nil {
					return err
				}
				fmt.Fprintf(p.out, "announced %s\n", args[0])
				return nil
			})
		},
	}
}

// providers returns the command "providers".
func (p program) providers(flags *flag.FlagSet) *ffcli.Command {
	key, asJSON := p.keyFlags(flags), jsonFlag(flags)
	local := flags.Bool("local", false, "ask no other peer")
	return &ffcli.Command{
		Name:       "providers",
		ShortUsage: "p2pnode providers [flags] CID",
		ShortHelp:  "find the peers that have some content",
		LongHelp:   providersHelp + "\n\n" + keyHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "providers takes a CID", 1, 1)
			if err != nil {
				return err
			}
			var n *node
			if *local {
				n, err = p.open(ctx, key)
			} else {
				n, err = p.openRunning(ctx)
			}
			return p.with(n, err, func(n *node) error {
				providers, err := n.Providers(ctx, args[0], *local)
				switch {
				case err != nil:
					return err
				case *asJSON:
					err = encodeAll(p.json(), providers)
				default:
					err = p.printProviders(providers)
				}
				if err == nil && len(providers) == 0 {
					return statusError{errors.New("no peer provides it"), exitNotFound}
				}
				return err
			})
		},
	}
}

func (p program) printProviders(providers []api.Provider) error {
	t := table.New(p.tables(), table.Column{Name: "PEER"}, table.Column{Name: "RECEIVED", Rare: true},
		table.Column{Name: "ADDRESS", Rare: true})
	for _, provider := range providers {
		received := ""
		if provider.Received != nil {
			received = provider.Received.Local().Format(time.DateTime)
		}
		if err := t.Add(provider.Peer, received, strings.Join(provider.Addresses, " ")); err != nil {
			return err
		}
	}
	return t.Close()
}
