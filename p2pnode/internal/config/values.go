package config

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/loopback"
)

// The types below are flag.Values. Each refuses what it cannot use when it is set.

// values are the settings as they are set.
type values struct {
	listen, announce                                                         addresses
	bootstrap                                                                peers
	mdns, relay, nat, browsers, passphrase                                   toggle
	pskFile, keyFile                                                         text
	mode, relayService, engine, logLevel, logFormat                          choice
	protocol                                                                 prefix
	models                                                                   list
	withoutIndex                                                             indexes
	sync                                                                     topics
	maxRecordAge, providerValidity, republishInterval, syncInterval          period
	replication, maxValueBytes, maxRecords, maxProviders, maxProvidersPerKey bounded
	maxKeysPerPeer, maxBytes, cacheBytes                                     bounded
	http                                                                     loopback.Address
}

// list is a setting with several values: it may be set several times, or have commas in it. The
// first time replaces the default.
type list struct {
	text []string
	set  bool
}

func (l *list) String() string { return strings.Join(l.text, ",") }

func (l *list) Set(value string) error {
	if !l.set {
		l.text, l.set = nil, true
	}
	for _, one := range strings.Split(value, ",") {
		if one = strings.TrimSpace(one); one == "" {
			return errors.New("a value is empty")
		}
		l.text = append(l.text, one)
	}
	return nil
}

// addresses are multiaddresses.
type addresses list

func (a *addresses) String() string { return (*list)(a).String() }

func (a *addresses) Set(value string) error {
	before := len(a.text)
	if !a.set {
		before = 0
	}
	if err := (*list)(a).Set(value); err != nil {
		return err
	}
	for _, one := range a.text[before:] {
		if _, err := ma.NewMultiaddr(one); err != nil {
			return fmt.Errorf("%q is no multiaddress, as /ip4/127.0.0.1/tcp/4001 is: %w", one, err)
		}
	}
	return nil
}

// parsed returns the addresses, which Set has checked.
func (a *addresses) parsed() []ma.Multiaddr {
	var all []ma.Multiaddr
	for _, one := range a.text {
		if addr, err := ma.NewMultiaddr(one); err == nil {
			all = append(all, addr)
		}
	}
	return all
}

// peers are multiaddresses that end with the id of a peer.
type peers list

func (p *peers) String() string { return (*list)(p).String() }

func (p *peers) Set(value string) error {
	before := len(p.text)
	if err := (*list)(p).Set(value); err != nil {
		return err
	}
	for _, one := range p.text[before:] {
		if _, err := peer.AddrInfoFromString(one); err != nil {
			return fmt.Errorf("%q is no address of a peer, as /ip4/10.1.2.3/tcp/4001/p2p/12D3KooW… is: %w", one, err)
		}
	}
	return nil
}

// parsed returns the peers, each once with all its addresses.
func (p *peers) parsed() ([]peer.AddrInfo, error) {
	var all []ma.Multiaddr
	for _, one := range p.text {
		addr, err := ma.NewMultiaddr(one)
		if err != nil {
			return nil, err
		}
		all = append(all, addr)
	}
	return peer.AddrInfosFromP2pAddrs(all...)
}

// indexes are full names of indexes.
type indexes list

func (x *indexes) String() string { return (*list)(x).String() }

func (x *indexes) Set(value string) error {
	if err := (*list)(x).Set(value); err != nil {
		return err
	}
	for _, one := range x.text {
		if tree, index, ok := strings.Cut(one, "/"); !ok || !strings.Contains(tree, ".") || index == "" {
			return fmt.Errorf("%q is no full name of an index, as blog.user/email is", one)
		}
	}
	return nil
}

// topics are full names of topics, or the word all.
type topics list

// allTopics stands for all topics.
const allTopics = "all"

func (x *topics) String() string { return (*list)(x).String() }

func (x *topics) Set(value string) error {
	if err := (*list)(x).Set(value); err != nil {
		return err
	}
	for _, one := range x.text {
		tree, topic, ok := strings.Cut(one, "/")
		switch {
		case one == allTopics && len(x.text) > 1:
			return errors.New("all topics are named already by the word all")
		case one != allTopics && (!ok || !strings.Contains(tree, ".") || topic == ""):
			return fmt.Errorf("%q is no full name of a topic, as blog.user/recent is, nor the word all", one)
		}
	}
	return nil
}

// toggle is on or off.
type toggle bool

func (t *toggle) String() string { return strconv.FormatBool(bool(*t)) }

func (t *toggle) Set(value string) error {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", value)
	}
	*t = toggle(on)
	return nil
}

// IsBoolFlag lets the flag stand without a value.
func (t *toggle) IsBoolFlag() bool { return true }

type text string

func (t *text) String() string { return string(*t) }

func (t *text) Set(value string) error {
	*t = text(value)
	return nil
}

// choice is one of several words.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }

func (c *choice) Set(value string) error {
	if !slices.Contains(c.of, value) {
		last := len(c.of) - 1
		return fmt.Errorf("%q is not %s or %s", value, strings.Join(c.of[:last], ", "), c.of[last])
	}
	c.value = value
	return nil
}

// prefix is the prefix of a protocol.
type prefix string

func (p *prefix) String() string { return string(*p) }

func (p *prefix) Set(value string) error {
	if len(value) < 2 || value[0] != '/' || strings.HasSuffix(value, "/") || strings.ContainsAny(value, " \t\r\n") {
		return fmt.Errorf("%q is no prefix of a protocol, as /netabase is", value)
	}
	*p = prefix(value)
	return nil
}

// period is a length of time. A negative one means for ever, or never, where that is allowed.
type period struct {
	value    time.Duration
	negative bool
}

func (p *period) String() string { return p.value.String() }

func (p *period) Set(value string) error {
	d, err := time.ParseDuration(value)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no length of time, as 90s, 15m or 48h are", value)
	case d == 0:
		return errors.New("it must not be 0")
	case d < 0 && !p.negative:
		return fmt.Errorf("%v is negative", d)
	}
	p.value = d
	return nil
}

// bounded is a number within bounds. -1 means no bound where that is allowed.
type bounded struct {
	value, least, most int64
	unbounded          bool
}

func (b *bounded) String() string { return strconv.FormatInt(b.value, 10) }

func (b *bounded) Set(value string) error {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no whole number", value)
	case n == -1 && b.unbounded:
	case n < b.least:
		return fmt.Errorf("%d is less than %d", n, b.least)
	case b.most > 0 && n > b.most:
		return fmt.Errorf("%d is more than %d", n, b.most)
	}
	b.value = n
	return nil
}

var (
	_ flag.Value = (*list)(nil)
	_ flag.Value = (*addresses)(nil)
	_ flag.Value = (*peers)(nil)
	_ flag.Value = (*indexes)(nil)
)
