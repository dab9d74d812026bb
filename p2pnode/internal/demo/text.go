package demo

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// The events as text. A view writes the stage before them.

func (e Setup) String() string {
	return fmt.Sprintf("%s peers, replication %d, engine %s, seed %d", count(e.Peers), e.Replication, e.Engine, e.Seed)
}

func (e Serving) String() string {
	return fmt.Sprintf("the page is at %s; to change rows there takes the token %s", e.URL, e.Token)
}

func (e Open) String() string {
	return fmt.Sprintf("the peers go on, and the page stays at %s, until you interrupt this program", e.URL)
}

func (e Progress) String() string {
	return fmt.Sprintf("%s of %s", count(e.Done), count(e.Total))
}

func (e Refused) String() string { return fmt.Sprintf("line %d refused: %s", e.Line, e.Reason) }

func (e Loaded) String() string {
	s := fmt.Sprintf("%s records of %s modules from %s", count(e.Records), count(e.Modules), e.Source)
	if e.Refused > 0 {
		s += fmt.Sprintf(", %s refused", plural(e.Refused, "line"))
	}
	return s
}

func (e Started) String() string {
	s := fmt.Sprintf("%s peers on TCP and QUIC, each knows %v others", count(len(e.IDs)), e.Known)
	if e.Dir != "" {
		s += "; data in " + e.Dir
	}
	return s
}

func (e Published) String() string {
	s := count(e.Acknowledged) + " acknowledged"
	if e.Failed > 0 {
		s += fmt.Sprintf(", %s failed", count(e.Failed))
	}
	return s
}

func (e Spreading) String() string {
	on := count(e.Holders.Min)
	if e.Holders.Max > e.Holders.Min {
		on = fmt.Sprintf("%v, median %s,", e.Holders, count(e.Holders.Median))
	}
	return fmt.Sprintf("each on %s of %d peers; peers hold %v", on, e.Peers, e.PeerHolds)
}

func (e Answer) String() string {
	return fmt.Sprintf("peer %d holds %s of %s; %s has the most imports, %d",
		e.Peer, plural(e.Packages, "package"), e.Module, e.Most, e.Imports)
}

func (e Queried) String() string {
	return fmt.Sprintf("%s found by module in single peers' own trees", count(e.Found))
}

func (e Resolved) String() string {
	from := "peers that do not hold them"
	switch e.Held {
	case 0:
	case e.Asked:
		from = "peers, all of which hold them"
	default:
		from = fmt.Sprintf("peers that do not hold them (%s where all do)", count(e.Held))
	}
	s := fmt.Sprintf("%s of %s by %s", count(e.Resolved), count(e.Asked), from)
	switch e.Stage {
	case Stop:
		s = fmt.Sprintf("of their records, %s of %s resolved and placed again", count(e.Resolved), count(e.Asked))
	case Remain:
		s = fmt.Sprintf("%s of %s by the running peers", count(e.Resolved), count(e.Asked))
	}
	if e.Retried > 0 {
		s += fmt.Sprintf(", %s retried", count(e.Retried))
	}
	return s
}

func (e Stopped) String() string {
	s := fmt.Sprintf("%s stopped: %s", plural(len(e.Peers), "peer"), list(e.Peers))
	if e.Stranded > 0 {
		s += fmt.Sprintf("; %s had no other copy than the publisher's", plural(e.Stranded, "record"))
	}
	if e.Down > len(e.Peers) {
		s += fmt.Sprintf("; %d down in all", e.Down)
	}
	if e.Left > 0 {
		s += fmt.Sprintf("; %d to go", e.Left)
	}
	return s
}

func (e Restarted) String() string {
	return fmt.Sprintf("peer %d held %s and is back with %s of them %s", e.Peer, count(e.Held), count(e.Intact),
		store(e.FromDisk))
}

func (e Returned) String() string {
	return fmt.Sprintf("%s back, with %s of %s rows %s",
		plural(e.Peers, "peer"), count(e.Intact), count(e.Held), store(e.FromDisk))
}

func (e Joined) String() string {
	s := fmt.Sprintf("peer %d is new, has fetched %s and holds %s", e.Peer, count(e.Fetched), count(e.Kept))
	if e.Retried > 0 {
		s += fmt.Sprintf(", %s retried", count(e.Retried))
	}
	return s
}

func (e Failure) String() string {
	what := "failed"
	if e.Lost {
		what = "lost"
	}
	return fmt.Sprintf("%s: %s (peer %d): %s", what, e.Record, e.Peer, e.Reason)
}

func (e Summary) String() string {
	if e.OK() {
		return fmt.Sprintf("all %s records resolved and found by module, %s restarted, nothing lost, in %v",
			count(e.Records), plural(e.Restarted, "peer"), e.Seconds)
	}
	return fmt.Sprintf("of %s records %s were resolved every time and %s found by module; %d of %d peers restarted "+
		"whole; %s lost; in %v",
		count(e.Records), count(e.Resolved), count(e.FoundByIndex), e.Restarted, e.stopped, count(e.Lost), e.Seconds)
}

// count writes a number with separators.
func count(n int) string { return humanize.Comma(int64(n)) }

// plural counts things.
func plural(n int, thing string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(thing, "y"):
		thing = strings.TrimSuffix(thing, "y") + "ies"
	default:
		thing += "s"
	}
	return count(n) + " " + thing
}

// list writes numbers, 1, 2 and 3.
func list(numbers []int) string {
	var b strings.Builder
	for i, n := range numbers {
		switch {
		case i > 0 && i == len(numbers)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprint(&b, n)
	}
	return b.String()
}

// store says where a peer's rows come from.
func store(fromDisk bool) string {
	if fromDisk {
		return "from disk"
	}
	return "from memory"
}

func (r Range) String() string {
	if r.Min == r.Max {
		return count(r.Min)
	}
	return fmt.Sprintf("%s to %s", count(r.Min), count(r.Max))
}

func (s Seconds) String() string { return fmt.Sprintf("%.1f s", float64(s)) }
