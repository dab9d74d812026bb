// Package config has the settings of a node. Each is a flag, an environment variable and a line of
// the file "config" in the node's directory, in this order: the first that is set counts.
//
//	-max-bytes 1000000000
//	P2PNODE_MAX_BYTES=1000000000
//	max-bytes 1000000000
package config

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/record"
)

// Names within the directory of a node.
const (
	fileName     = "config"
	identityName = "identity.key"
	modelsName   = "models"
	storeName    = "store"
	socketName   = "control.sock"
	tokenName    = "control.token"
	lockName     = "lock"
)

// Config is what a node is started with. Settings.Load makes it.
type Config struct {
	// Dir is the directory of the node.
	Dir string

	// Listen are the addresses to listen on, and Announce those to tell others in place of them,
	// if there are any.
	Listen, Announce []ma.Multiaddr
	// Bootstrap are the peers to connect to while no other is known.
	Bootstrap []peer.AddrInfo
	// MDNS finds peers in the local network.
	MDNS bool
	// PSK is the key of a private network, nil for none.
	PSK pnet.PSK
	// Relay and NAT look for a way in from other networks: by a relay, and by a port of the router.
	Relay, NAT bool
	// Browsers says that peers in web pages dial the node: Listen has addresses for them then.
	Browsers bool
	// RelayService is off, limited or full.
	RelayService string
	// Mode is server, client or auto.
	Mode string
	// Protocol is the prefix of the DHT's protocols.
	Protocol string
	// Replication is how many peers store a record.
	Replication int

	// Engine is badger, bolt or memory.
	Engine string
	// KeyFile names the file of the store's key. Passphrase says that one is asked for.
	KeyFile    string
	Passphrase bool
	// Schemas are those of the schema files, by the names of their trees, and WithoutIndex are indexes to
	// leave out, as dynamic.WithoutIndexes takes them.
	Schemas      []shape.Schema
	WithoutIndex []string
	// Models are the definitions made from the schema files, and Travelling those of them whose rows are
	// records of the network.
	Models, Travelling []*dynamic.Definition
	// Sync are the full names of the topics to keep in sync with other peers.
	Sync []string
	// Records are the ages, bounds and sizes. Its Models, Meters and Log are not set.
	Records record.Options

	// HTTP is the address of the page, empty for none.
	HTTP string
	// LogLevel and LogFormat are as in the settings.
	LogLevel, LogFormat string

	// Settings are all settings, their values, and where they come from.
	Settings []api.Setting
	// Unknown are variables of the environment that look like settings and are none.
	Unknown []string
}

// Paths of files in the directory.

// File is the file of settings in the directory of a node.
func File(dir string) string { return filepath.Join(dir, fileName) }

// Identity is the file of a node's private key.
func Identity(dir string) string { return filepath.Join(dir, identityName) }

// Models is the directory of the schema files in use.
func Models(dir string) string { return filepath.Join(dir, modelsName) }

// Store is the directory of a node's store.
func Store(dir string) string { return filepath.Join(dir, storeName) }

// Socket is the unix socket of the control interface.
func Socket(dir string) string { return filepath.Join(dir, socketName) }

// Token is the file of the control interface's token.
func Token(dir string) string { return filepath.Join(dir, tokenName) }

// Lock is the file that the process with the node holds locked.
func Lock(dir string) string { return filepath.Join(dir, lockName) }

// Error is a setting that cannot be used.
type Error struct {
	// Setting is its name, and From where it was set: a flag, a variable of the environment, or a
	// line of the file.
	Setting, From string
	// Err says what is wrong with it.
	Err error
}

func (e *Error) Error() string { return fmt.Sprintf("setting %s (%s): %v", e.Setting, e.From, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// defaults are the values of settings that are not set.
func defaults() values {
	return values{
		listen: addresses{
			text: []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"},
		},
		relayService: choice{"off", []string{"off", "limited", "full"}},
		mode:         choice{"server", []string{"server", "client", "auto"}}, protocol: prefix(record.ProtocolPrefix),
		replication: bounded{value: 20, least: 1, most: 100},
		engine:      choice{"badger", []string{"badger", "bolt", "memory"}},
		maxValueBytes: bounded{
			value: record.DefaultMaxValueBytes, least: 1, most: 3 << 20,
		},
		maxRecordAge: period{
			value:    48 * time.Hour,
			negative: true,
		}, providerValidity: period{value: 48 * time.Hour, negative: true},
		republishInterval:  period{value: 22 * time.Hour, negative: true},
		maxRecords:         bounded{value: record.DefaultMaxRecords, least: 1, unbounded: true},
		maxProviders:       bounded{value: record.DefaultMaxProviders, least: 1, unbounded: true},
		maxProvidersPerKey: bounded{value: record.DefaultMaxProvidersPerKey, least: 1, unbounded: true},
		maxKeysPerPeer:     bounded{value: record.DefaultMaxKeysPerPeer, least: 1, unbounded: true},
		maxBytes:           bounded{value: record.DefaultMaxBytes, least: 1, unbounded: true},
		syncInterval:       period{value: record.DefaultSyncInterval, negative: true},
		cacheBytes:         bounded{value: record.DefaultCacheBytes, least: 1, unbounded: true},
		logLevel:           choice{"warn", []string{"debug", "info", "warn", "error"}},
		logFormat:          choice{"text", []string{"text", "json"}},
	}
}
