package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/suggest"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const topicsHelp = `Lists the topics of the node's models: how many rows belong to each, whether the node keeps it
in sync with other peers by itself (the setting sync), and for each peer with which it has been
synced since the node was started: when, how many records the two differed in, how many of them
came from the peer and went there, how many were refused, and why the last sync has failed. A sync
that the peer has begun has a line of its own. -json also tells which peers gossip the topic, and
how many records of each were taken, ignored and invalid.`

const syncHelp = `Brings TOPIC together with that of PEER, so that each has the better record of both for every
key. PEER is the id of a peer; without it, the topic is synced with each peer that is connected
and syncs topics. A TOPIC is written club.member/recent, or member/recent.

The two find out in a few messages in which records they differ, and send each other only those.
Every record that comes is checked as one from the network. Those that are refused are printed
with the reason: they are no failure. A peer of several that cannot be synced with is printed
too; it is a failure if there is no other.

-json prints the lines of the control interface: how far the sync is, and for each peer a last
one with "done":true.`

// topics returns the command "topics".
func (p program) topics(flags *flag.FlagSet) *ffcli.Command {
	key, asJSON := p.keyFlags(flags), jsonFlag(flags)
	return &ffcli.Command{
		Name:       "topics",
		ShortUsage: "p2pnode topics [flags]",
		ShortHelp:  "list topics, and how they were last synced",
		LongHelp:   topicsHelp + "\n\n" + keyHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			if _, err := arguments(flags, args, "topics takes no arguments", 0, 0); err != nil {
				return err
			}
			n, err := p.open(ctx, key)
			return p.with(n, err, func(n *node) error {
				topics, err := n.Topics(ctx)
				switch {
				case err != nil:
					return err
				case *asJSON:
					return encodeAll(p.json(), topics)
				}
				return p.printTopics(topics)
			})
		},
	}
}

func (p program) printTopics(topics []api.Topic) error {
	t := table.New(p.tables(), table.Column{Name: "TOPIC"}, table.Column{Name: "ROWS", Right: true},
		table.Column{Name: "KEPT"}, table.Column{Name: "PEER", Rare: true}, table.Column{Name: "SYNCED", Rare: true},
		table.Column{Name: "DIFFERED", Right: true, Rare: true}, table.Column{Name: "PULLED", Right: true, Rare: true},
		table.Column{Name: "PUSHED", Right: true, Rare: true}, table.Column{Name: "REFUSED", Right: true, Rare: true},
		table.Column{Name: "ERROR", Rare: true})
	for _, topic := range topics {
		kept := "no"
		if topic.Kept {
			kept = "yes"
		}
		first := []string{topic.Name, humanize.Comma(topic.Rows), kept}
		if len(topic.Synced)+len(topic.Answered) == 0 {
			if err := t.Add(append(first, "", "", "", "", "", "", "")...); err != nil {
				return err
			}
		}
		for i, s := range slices.Concat(topic.Synced, topic.Answered) {
			when := "now"
			if s.Done {
				when = s.Started.Local().Format(time.DateTime)
			}
			if i >= len(topic.Synced) {
				when += ", by the peer"
			}
			cells := append(slices.Clone(first), s.Peer, when, count(differed(s)), count(s.Pulled.Taken),
				count(s.Pushed.Taken), count(s.Pulled.Refused+s.Pushed.Refused), s.Error)
			if err := t.Add(cells...); err != nil {
				return err
			}
		}
	}
	return t.Close()
}

func count(n int) string { return humanize.Comma(int64(n)) }

// differed is how many records a sync has found to differ.
func differed(s api.Synced) int {
	return s.Pulled.InAll() + s.Pushed.InAll()
}

// sync returns the command "sync".
func (p program) sync(flags *flag.FlagSet) *ffcli.Command {
	asJSON := jsonFlag(flags)
	direction := flags.String("direction", "both", "which `WAY` records go: pull, push or both")
	return &ffcli.Command{
		Name:       "sync",
		ShortUsage: "p2pnode sync [flags] TOPIC [PEER]",
		ShortHelp:  "bring a topic together with that of other peers",
		LongHelp:   syncHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "sync takes a topic and perhaps a peer", 1, 2)
			if err != nil {
				return err
			}
			if ways := []string{"pull", "push", "both"}; !slices.Contains(ways, *direction) {
				return wrongWord("direction", *direction, ways)
			}
			how := api.Sync{Direction: *direction}
			if len(args) == 2 {
				how.Peer = args[1]
			}
			n, err := p.openRunning(ctx)
			return p.with(n, err, func(n *node) error {
				topic, err := n.topic(ctx, args[0])
				if err != nil {
					return err
				}
				return p.printSync(ctx, n, topic, how, *asJSON)
			})
		},
	}
}

// topic returns the topic that a name stands for: its full name, or that without the definition.
func (n *node) topic(ctx context.Context, name string) (api.Topic, error) {
	topics, err := n.Topics(ctx)
	if err != nil {
		return api.Topic{}, err
	}
	var found []api.Topic
	known := make([]string, len(topics))
	for i, t := range topics {
		known[i] = t.Name
		if _, own, _ := strings.Cut(t.Name, "."); t.Name == name || own == name {
			found = append(found, t)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return api.Topic{}, unusableError{fmt.Errorf("%q can be several topics: name it in full", name)}
	}
	unknown := &api.Error{
		Code: api.UnknownTopic, Message: fmt.Sprintf("there is no topic %q", name), Known: known,
		Suggestion: suggest.Word(name, known),
	}
	if len(known) == 0 {
		unknown.Message += ", and no schema file of the node has one"
	}
	return api.Topic{}, unknown
}

// printSync syncs a topic, and prints how far it is and what came of it.
func (p program) printSync(ctx context.Context, n *node, topic api.Topic, how api.Sync, asJSON bool) error {
	line, out, done := p.line(), p.json(), false
	defer line.Clear()
	for s, err := range n.Sync(ctx, topic.Tree, topic.Topic, how) {
		switch {
		case err != nil:
			return err
		case asJSON:
			err = out.Encode(s)
		case s.Done:
			line.Clear()
			err = p.printSynced(s)
		default:
			line.Show("%s: %s of %s pulled, %s of %s pushed so far", s.Peer, count(s.Pulled.InAll()), count(s.ToPull),
				count(s.Pushed.InAll()), count(s.ToPush))
		}
		if err != nil {
			return err
		}
		done = s.Done
	}
	if !done {
		return errors.New("the node has ended the sync")
	}
	return nil
}

func (p program) printSynced(s api.Synced) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s differed, %s pulled, %s pushed", s.Peer, counted(differed(s), "record"),
		count(s.Pulled.Taken), count(s.Pushed.Taken))
	refused := s.Pulled.Refused + s.Pushed.Refused
	if refused > 0 {
		fmt.Fprintf(&text, ", %s refused", count(refused))
	}
	if n := s.Pulled.Missing + s.Pushed.Missing; n > 0 {
		fmt.Fprintf(&text, ", %s missing", count(n))
	}
	if s.Error != "" {
		text.WriteString("; not to the end: " + s.Error)
	}
	lines := []string{text.String()}
	for _, r := range s.Refused {
		by := "here"
		if r.Pushed {
			by = "there"
		}
		lines = append(lines, fmt.Sprintf("  refused %s: %s: %s", by, r.Key, r.Reason))
	}
	if more := refused - len(s.Refused); more > 0 && len(s.Refused) > 0 {
		lines = append(lines, fmt.Sprintf("  and %s more", count(more)))
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(p.out, table.Printable(line)); err != nil {
			return err
		}
	}
	return nil
}
