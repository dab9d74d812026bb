//go:build js

package browser

import (
	"context"
	"errors"
	"net"

	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
)

var errNoListen = errors.New("a page cannot listen: give New relays, through which others reach it")

// dialer is what all transports have in common.
type dialer struct{}

// Listen is part of transport.Transport.
func (dialer) Listen(ma.Multiaddr) (transport.Listener, error) { return nil, errNoListen }

// Proxy is part of transport.Transport.
func (dialer) Proxy() bool { return false }

// SkipResolve leaves names to the browser, which lets no page look them up.
func (dialer) SkipResolve(context.Context, ma.Multiaddr) bool { return true }

var _ transport.SkipResolver = dialer{}

// netAddr is an address of the network, as a URL.
type netAddr struct{ network, url string }

func (a netAddr) Network() string { return a.network }

func (a netAddr) String() string { return a.url }

var _ net.Addr = netAddr{}
