package config

import (
	"bufio"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/pnet"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/peterbourgon/ff/v3"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/suggest"
	"github.com/newsnet-africa/netabase-go/record"
)

// maxFile bounds how many bytes of the file of settings, and of a key of a private network, are
// read.
const maxFile = 1 << 20

// Load reads what the flags leave open from the environment and from the file in the directory, and
// checks all of it, the files that it names included. It changes nothing. Its error is an *Error
// where one setting is at fault.
func (s *Settings) Load() (*Config, error) {
	if err := s.read(); err != nil {
		return nil, err
	}
	return s.config()
}

// Accepts reports why a node with these settings could not have the model of a schema besides its
// others, nil if it can. Another schema of the same tree does not count.
func (s *Settings) Accepts(schema shape.Schema) error {
	if err := s.read(); err != nil {
		return err
	}
	schemas, err := s.schemas()
	if err != nil {
		return err
	}
	schemas = slices.DeleteFunc(schemas, func(other shape.Schema) bool { return other.Tree == schema.Tree })
	return s.define(&Config{Schemas: append(schemas, schema)})
}

// read reads what the flags leave open from the environment and from the file in the directory.
func (s *Settings) read() error {
	s.note(func(name string) string { return "flag -" + name })
	if err := ff.Parse(s.flags, nil, ff.WithEnvVarPrefix(envPrefix)); err != nil {
		return s.environmentError(err)
	}
	s.note(func(name string) string { return "environment " + variable(name) })
	return s.readFile(File(*s.dir))
}

// note says of the settings that have been set by now, and had not before, where.
func (s *Settings) note(from func(name string) string) {
	s.flags.Visit(func(f *flag.Flag) {
		if s.from[f.Name] == "" {
			s.from[f.Name] = from(f.Name)
		}
	})
}

// environmentError says which variable is at fault. ff's error quotes it in words of its own.
func (s *Settings) environmentError(err error) error {
	for _, set := range s.all {
		if value := os.Getenv(variable(set.name)); value != "" && s.from[set.name] == "" {
			if err := set.value.Set(value); err != nil {
				return &Error{set.name, "environment " + variable(set.name), err}
			}
		}
	}
	return err
}

// readFile reads the file of settings, if there is one.
func (s *Settings) readFile(name string) error {
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(io.LimitReader(file, maxFile))
	lines.Buffer(nil, maxFile)
	before := map[string]string{}
	for number := 1; lines.Scan(); number++ {
		at := fmt.Sprintf("%s:%d", name, number)
		err := ff.PlainParser(strings.NewReader(lines.Text()), func(name, value string) error {
			return s.setFromFile(at, name, value, before)
		})
		if err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("settings: %s: %w", name, err)
	}
	for name, at := range before {
		s.from[name] = cmp.Or(s.from[name], at)
	}
	return nil
}

// setFromFile sets what a line says, unless a flag or the environment has set it. Before has the
// settings of the lines before.
func (s *Settings) setFromFile(at, name, value string, before map[string]string) error {
	i := slices.IndexFunc(s.all, func(set setting) bool { return set.name == name })
	if i < 0 {
		return &Error{name, at, s.unknown(name)}
	}
	if first := before[name]; first != "" && !s.all[i].many {
		return &Error{name, at, fmt.Errorf("it is set at %s already", first)}
	}
	before[name] = cmp.Or(before[name], at)
	if s.from[name] != "" {
		// A wrong line is refused even where it does not count: one day it will.
		fresh := Flags(flag.NewFlagSet("", flag.ContinueOnError), s.dir)
		if err := fresh.all[i].value.Set(value); err != nil {
			return &Error{name, at, err}
		}
		return nil
	}
	if err := s.flags.Set(name, value); err != nil {
		return &Error{name, at, err}
	}
	return nil
}

// unknown says that there is no setting of this name, and which one may be meant.
func (s *Settings) unknown(name string) error {
	for _, set := range s.all {
		if variable(set.name) == variable(name) || variable(set.name) == name {
			return fmt.Errorf("there is no such setting: it is written %s", set.name)
		}
	}
	names := make([]string, len(s.all))
	for i, set := range s.all {
		names[i] = set.name
	}
	if meant := suggest.Word(name, names); meant != "" {
		return fmt.Errorf("there is no such setting: did you mean %s?", meant)
	}
	return errors.New("there is no such setting: p2pnode run -h lists them")
}

// unknownVariables returns the variables of the environment that look like settings and are none. They
// are no error: systems that run containers make some of their own.
func (s *Settings) unknownVariables() (names []string) {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		isSetting := func(set setting) bool { return variable(set.name) == name }
		if strings.HasPrefix(name, envPrefix+"_") && name != envPrefix+"_DIR" && !slices.ContainsFunc(s.all, isSetting) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// fail returns the error of a setting.
func (s *Settings) fail(name string, format string, args ...any) error {
	return &Error{name, cmp.Or(s.from[name], "default"), fmt.Errorf(format, args...)}
}

// config checks what settings mean together, and reads the files that they name.
func (s *Settings) config() (*Config, error) {
	v := &s.values
	c := &Config{
		Dir: *s.dir, Listen: v.listen.parsed(), Announce: v.announce.parsed(), MDNS: bool(v.mdns),
		Relay: bool(v.relay), NAT: bool(v.nat), Browsers: bool(v.browsers), RelayService: v.relayService.value,
		Mode: v.mode.value, Protocol: string(v.protocol),
		Replication: int(v.replication.value), Engine: v.engine.value, KeyFile: string(v.keyFile),
		Passphrase: bool(v.passphrase), HTTP: string(v.http),
		LogLevel: v.logLevel.value, LogFormat: v.logFormat.value,
		Records: record.Options{
			MaxValueBytes: int(v.maxValueBytes.value), MaxRecordAge: v.maxRecordAge.value,
			ProviderValidity: v.providerValidity.value, RepublishInterval: v.republishInterval.value,
			SyncInterval: v.syncInterval.value, CacheBytes: int(v.cacheBytes.value),
			Bounds: record.Bounds{
				Records: int(v.maxRecords.value), Providers: int(v.maxProviders.value),
				ProvidersPerKey: int(v.maxProvidersPerKey.value), KeysPerPeer: int(v.maxKeysPerPeer.value),
				Bytes: v.maxBytes.value,
			},
		},
	}
	var err error
	if c.Bootstrap, err = v.bootstrap.parsed(); err != nil {
		return nil, s.fail("bootstrap", "%w", err)
	}
	if err := s.checkRecords(&c.Records); err != nil {
		return nil, err
	}
	if err := s.checkNetwork(c); err != nil {
		return nil, err
	}
	if c.KeyFile != "" && c.Passphrase {
		return nil, s.fail("passphrase", "the store has a key file already")
	}
	if c.Schemas, err = s.schemas(); err != nil {
		return nil, err
	}
	if err := s.define(c); err != nil {
		return nil, err
	}
	if err := s.setSync(c); err != nil {
		return nil, err
	}
	c.Settings = s.list()
	c.Unknown = s.unknownVariables()
	return c, nil
}

// checkRecords checks the settings of records together.
func (s *Settings) checkRecords(o *record.Options) error {
	if o.MaxRecordAge > 0 && o.RepublishInterval >= o.MaxRecordAge {
		if s.from["republish-interval"] != "" {
			return s.fail("republish-interval", "%v is not less than max-record-age, which is %v",
				o.RepublishInterval, o.MaxRecordAge)
		}
		o.RepublishInterval = o.MaxRecordAge / 2
	}
	if least := int64(record.MaxKeyBytes + o.MaxValueBytes); o.Bounds.Bytes >= 0 && o.Bounds.Bytes < least {
		return s.fail("max-bytes", "%d is less than %d, which one record may have", o.Bounds.Bytes, least)
	}
	return nil
}

// checkNetwork checks the addresses, and reads the key of a private network.
func (s *Settings) checkNetwork(c *Config) error {
	for _, addr := range c.Listen {
		if !isTransport(addr) {
			return s.fail("listen", "%s is neither an address of TCP nor of QUIC", addr)
		}
	}
	if c.Relay && len(c.Bootstrap) == 0 {
		return s.fail("relay", "the peers of bootstrap relay, and there are none")
	}
	if c.Relay && c.RelayService != "off" {
		return s.fail("relay-service", "others reach a node that relays, and relay is for one that they do not")
	}
	file := string(s.values.pskFile)
	if file == "" {
		s.listenForBrowsers(c)
		return nil
	}
	if c.Browsers {
		return s.fail("browsers", "a page cannot have the key of a private network (psk-file)")
	}
	key, err := readPSK(file)
	if err != nil {
		return s.fail("psk-file", "%w", err)
	}
	c.PSK = key
	quic := func(addr ma.Multiaddr) bool { return has(addr, ma.P_QUIC_V1) }
	if i := slices.IndexFunc(c.Listen, quic); i >= 0 && s.from["listen"] != "" {
		return s.fail("listen", "%s is an address of QUIC, and a private network (psk-file) has TCP only", c.Listen[i])
	}
	c.Listen = slices.DeleteFunc(c.Listen, quic)
	return nil
}

// listenForBrowsers adds addresses that a page can dial.
func (s *Settings) listenForBrowsers(c *Config) {
	if !c.Browsers {
		return
	}
	listens := func(protocol int) bool {
		return slices.ContainsFunc(c.Listen, func(addr ma.Multiaddr) bool { return has(addr, protocol) })
	}
	if !listens(ma.P_WS) {
		c.Listen = append(c.Listen, ma.StringCast("/ip4/127.0.0.1/tcp/0/ws"))
	}
	if !listens(ma.P_WEBTRANSPORT) {
		c.Listen = append(c.Listen, ma.StringCast("/ip4/127.0.0.1/udp/0/quic-v1/webtransport"))
	}
}

// isTransport reports whether a host can listen on an address: IP with TCP or with QUIC, which have WebSocket and
// WebTransport in them.
func isTransport(addr ma.Multiaddr) bool {
	if !has(addr, ma.P_IP4) && !has(addr, ma.P_IP6) || has(addr, ma.P_P2P) {
		return false
	}
	return has(addr, ma.P_TCP) || has(addr, ma.P_UDP) && has(addr, ma.P_QUIC_V1)
}

func has(addr ma.Multiaddr, protocol int) bool {
	_, err := addr.ValueForProtocol(protocol)
	return err == nil
}

func readPSK(name string) (pnet.PSK, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	key, err := pnet.DecodeV1PSK(io.LimitReader(file, maxFile))
	if err != nil {
		return nil, fmt.Errorf("%s is no key of a private network: %w", name, err)
	}
	return key, nil
}

// schemas reads the schema files in the directory and those that the setting names.
func (s *Settings) schemas() ([]shape.Schema, error) {
	names, err := filepath.Glob(filepath.Join(escapeGlob(Models(*s.dir)), "*.json"))
	if err != nil {
		return nil, s.fail("models", "%w", err)
	}
	slices.Sort(names)
	in := map[string]string{}
	var all []shape.Schema
	for i, name := range slices.Concat(names, s.values.models.text) {
		schema, err := ReadSchema(name)
		switch {
		case err != nil && i < len(names):
			return nil, &Error{"models", Models(*s.dir), err}
		case err != nil:
			return nil, s.fail("models", "%w", err)
		case in[schema.Tree] != "":
			return nil, s.fail("models", "%s and %s both have the tree %s", in[schema.Tree], name, schema.Tree)
		}
		in[schema.Tree] = name
		all = append(all, schema)
	}
	slices.SortFunc(all, func(a, b shape.Schema) int { return cmp.Compare(a.Tree, b.Tree) })
	return all, nil
}

// define makes the definitions of the schemas. The trees of a definition all travel, or all are local:
// package record takes no others.
func (s *Settings) define(c *Config) error {
	for _, name := range s.values.withoutIndex.text {
		tree, index, _ := strings.Cut(name, "/")
		if !slices.ContainsFunc(c.Schemas, func(of shape.Schema) bool {
			return of.Tree == tree && slices.ContainsFunc(of.Indexes, func(ix shape.Index) bool { return ix.Name == index })
		}) {
			return s.fail("without-index", "no schema file has the index %s", name)
		}
		c.WithoutIndex = append(c.WithoutIndex, tree+"."+index)
	}
	fail := func(err error) error {
		return &Error{"models", cmp.Or(s.from["models"], Models(*s.dir)), err}
	}
	options := []dynamic.Option{dynamic.KeyCodecs(record.KeyCodecNamed), dynamic.WithoutIndexes(c.WithoutIndex...)}
	definitions, err := dynamic.Definitions(c.Schemas, options...)
	if err != nil {
		return fail(err)
	}
	for _, definition := range definitions {
		var local, travelling []string
		for _, tree := range definition.Trees() {
			if tree.Policy() == models.Local {
				local = append(local, tree.Name())
			} else {
				travelling = append(travelling, tree.Name())
			}
		}
		switch {
		case len(local) > 0 && len(travelling) > 0:
			return fail(fmt.Errorf("definition %s has trees that are local (%s) and others that travel (%s): "+
				"declare them in two definitions", definition.Name(), strings.Join(local, ", "), strings.Join(travelling, ", ")))
		case len(travelling) > 0:
			c.Travelling = append(c.Travelling, definition)
		}
	}
	c.Models = definitions
	return nil
}

// setSync says which topics are kept in sync.
func (s *Settings) setSync(c *Config) error {
	var known []string
	for _, definition := range c.Travelling {
		for _, tree := range definition.Trees() {
			for _, topic := range tree.Raw().Topics() {
				known = append(known, topic.Name())
			}
		}
	}
	for _, name := range s.values.sync.text {
		switch {
		case name == allTopics:
			c.Sync = known
			return nil
		case !slices.Contains(known, name):
			meant := ""
			if word := suggest.Word(name, known); word != "" {
				meant = ": did you mean " + word + "?"
			}
			return s.fail("sync", "no schema file has the topic %s%s", name, meant)
		case !slices.Contains(c.Sync, name):
			c.Sync = append(c.Sync, name)
		}
	}
	return nil
}

// escapeGlob returns a pattern that matches a name only.
func escapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

// ReadSchema reads a schema file. Its error names the file.
func ReadSchema(name string) (schema shape.Schema, err error) {
	file, err := os.Open(name)
	if err != nil {
		return schema, err
	}
	defer file.Close()
	if schema, err = shape.ReadSchema(file); err != nil {
		return schema, fmt.Errorf("%s: %w", name, err)
	}
	return schema, nil
}
