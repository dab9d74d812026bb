package config

import (
	"flag"
	"fmt"
	"strings"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// setting is one setting: a flag, a variable and a line.
type setting struct {
	name string
	// group is the heading in the file.
	group string
	// usage says what it is for. The flag's word for its value stands in backquotes.
	usage string
	value flag.Value
	// many says that it may be set several times.
	many bool
}

// Settings are the settings of a node, as flags of a command. Make them with Flags, have the flags
// parsed, and then call Load.
type Settings struct {
	flags  *flag.FlagSet
	values values
	all    []setting
	// from says where each setting that is not at its default was set.
	from map[string]string
	dir  *string
}

const (
	groupNetwork = "Network"
	groupStore   = "Store"
	groupModels  = "Models"
	groupRecords = "Records of the network"
	groupLimits  = "Bounds. -1 means none."
	groupControl = "Control and logs"
)

// Flags adds the settings to the flags of a command. Dir is the directory of the node, which has
// to be known when Load is called; it is no setting.
func Flags(flags *flag.FlagSet, dir *string) *Settings {
	s := &Settings{flags: flags, values: defaults(), from: map[string]string{}, dir: dir}
	v := &s.values
	add := func(group, name string, value flag.Value, usage string) {
		_, many := value.(interface{ isMany() })
		s.all = append(s.all, setting{name: name, group: group, usage: usage, value: value, many: many})
		flags.Var(value, name, usage)
	}
	add(groupNetwork, "listen", &v.listen,
		"the `addresses` to listen on. Loopback is reached from this machine only; /ip4/0.0.0.0/tcp/4001 from everywhere")
	add(groupNetwork, "announce", &v.announce, "the `addresses` to tell others in place of those listened on")
	add(groupNetwork, "bootstrap", &v.bootstrap,
		"the `peers` to connect to while no other is known, as /ip4/10.1.2.3/tcp/4001/p2p/12D3KooW…")
	add(groupNetwork, "mdns", &v.mdns, "find peers in the local network by multicast DNS")
	add(groupNetwork, "psk-file", &v.pskFile,
		"a `file` with the key of a private network (/key/swarm/psk/1.0.0/). Such a network has TCP only")
	add(groupNetwork, "relay", &v.relay,
		"be reached through one of the peers of bootstrap, which relays, where no address is reached from outside")
	add(groupNetwork, "browsers", &v.browsers, "be dialled by peers in web pages: listen by WebSocket and WebTransport "+
		"too, on loopback unless listen has such addresses, as /ip4/0.0.0.0/udp/4001/quic-v1/webtransport")
	add(groupNetwork, "relay-service", &v.relayService, "the `way` to relay for peers that others cannot dial, as those "+
		"in web pages: off, limited to 128 KiB and two minutes a connection, or full, which the DHT needs")
	add(groupNetwork, "nat", &v.nat, "ask the router to forward a port")
	add(groupNetwork, "mode", &v.mode, "the `mode` in the DHT: server keeps records for others, client does not, "+
		"and auto serves once others reach this node from outside")
	add(groupNetwork, "protocol", &v.protocol,
		"the `prefix` of the DHT's protocols. Peers with another are another network")
	add(groupNetwork, "replication", &v.replication, "how many `peers` store a record. It should be the same on all peers")
	add(groupStore, "engine", &v.engine, "the `engine` of the store: badger, bolt or memory")
	add(groupStore, "key-file", &v.keyFile, "the store is encrypted with the key in `file`, of 32 bytes or 64 hex digits")
	add(groupStore, "passphrase", &v.passphrase, "the store is encrypted with a passphrase, to be asked for")
	add(groupModels, "models", &v.models, "schema `files` to use besides those in the directory models")
	add(groupModels, "without-index", &v.withoutIndex,
		"the full names of `indexes` to leave out, as blog.user/email: those that a schema file cannot say")
	add(groupModels, "sync", &v.sync, "the full names of `topics` to keep in sync with other peers, "+
		"as blog.user/recent, or all for those of all models")
	add(groupRecords, "max-value-bytes", &v.maxValueBytes, "how many `bytes` a record may have. Peers should agree on it")
	add(groupRecords, "max-record-age", &v.maxRecordAge,
		"the `time` for which a record is kept after it came. Peers should agree on it. -1s means for ever")
	add(groupRecords, "provider-validity", &v.providerValidity,
		"the `time` for which a provider record is kept after it came. -1s means for ever")
	add(groupRecords, "republish-interval", &v.republishInterval,
		"the `time` after which a record of this node is published again. -1s means never")
	add(groupRecords, "sync-interval", &v.syncInterval,
		"the longest `time` until a record from another peer is durable. -1s leaves it to the end of the node")
	add(groupLimits, "max-records", &v.maxRecords, "how many `records` of others are kept")
	add(groupLimits, "max-providers", &v.maxProviders, "how many provider `records` are kept")
	add(groupLimits, "max-providers-per-key", &v.maxProvidersPerKey, "how many `providers` a key may have")
	add(groupLimits, "max-keys-per-peer", &v.maxKeysPerPeer, "how many `keys` a peer may provide")
	add(groupLimits, "max-bytes", &v.maxBytes, "how many `bytes` of keys and values of others are kept")
	add(groupLimits, "cache-bytes", &v.cacheBytes, "how many `bytes` of memory the provider records read last may take")
	add(groupControl, "http", &v.http,
		"serve the page, and the control interface by HTTP, at an `address` on loopback, as -http=127.0.0.1:8080; "+
			"without one the system chooses the port")
	add(groupControl, "log-level", &v.logLevel, "what is logged: the `level` debug, info, warn or error")
	add(groupControl, "log-format", &v.logFormat, "how it is logged: the `format` text or json")
	return s
}

func (*list) isMany()      {}
func (*addresses) isMany() {}
func (*peers) isMany()     {}
func (*indexes) isMany()   {}
func (*topics) isMany()    {}

// variable returns the name of the environment variable of a setting.
func variable(name string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

const envPrefix = "P2PNODE"

// list returns all settings with their values.
func (s *Settings) list() []api.Setting {
	all := make([]api.Setting, len(s.all))
	for i, set := range s.all {
		from := s.from[set.name]
		switch {
		case from == "":
			from = "default"
		case strings.HasPrefix(from, "flag"):
			from = "flag"
		case strings.HasPrefix(from, "environment"):
			from = "environment"
		default:
			from = "file"
		}
		all[i] = api.Setting{Name: set.name, Value: set.value.String(), From: from}
	}
	return all
}

// Example returns the text of a file of settings in which each has its default and is commented
// out.
func Example() string {
	s := Flags(flag.NewFlagSet("", flag.ContinueOnError), new(string))
	var b strings.Builder
	b.WriteString(exampleHead)
	group := ""
	for _, set := range s.all {
		if set.group != group {
			group = set.group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		_, usage := flag.UnquoteUsage(s.flags.Lookup(set.name))
		fmt.Fprintf(&b, "\n%s", comment(usage+"."))
		fmt.Fprintf(&b, "#%s\n", strings.TrimRight(set.name+" "+set.value.String(), " "))
	}
	return b.String()
}

const exampleHead = `# The settings of this node, each with its default. Remove the # before a name to change one.
# A line is a name, a space and a value. A setting with several values has commas between them, or
# several lines. Flags of p2pnode run and variables of the environment go first: -max-bytes and
# P2PNODE_MAX_BYTES stand for max-bytes.
`

// comment breaks a sentence into lines of a comment.
func comment(text string) string {
	const width = 98
	var b strings.Builder
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
	return b.String()
}
