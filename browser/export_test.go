//go:build js

package browser

import (
	"context"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Tests from outside use these.
var (
	ErrFull = errFull
	ErrText = errText
)

// DialSocket opens a WebSocket on which nobody reads but the caller.
func DialSocket(ctx context.Context, a ma.Multiaddr) (manet.Conn, error) { return dialSocket(ctx, a) }
