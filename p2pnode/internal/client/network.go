package client

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// Peers returns the peers that are connected or known.
func (c *Client) Peers(ctx context.Context) ([]api.Peer, error) {
	return call[[]api.Peer](ctx, c, get("/v1/peers", nil))
}

// Connect connects to the peer at a multiaddress.
func (c *Client) Connect(ctx context.Context, address string) (api.Peer, error) {
	return callWith[api.Peer](ctx, c, "/v1/peers/connect", api.Connect{Address: address})
}

// PeerSchemas returns the trees that another peer has.
func (c *Client) PeerSchemas(ctx context.Context, peer string) ([]api.PeerSchema, error) {
	return call[[]api.PeerSchema](ctx, c, get("/v1/peers/schemas", url.Values{"peer": {peer}}))
}

// FetchSchema returns a schema file of another peer.
func (c *Client) FetchSchema(ctx context.Context, which api.FetchSchema) (json.RawMessage, error) {
	return callWith[json.RawMessage](ctx, c, "/v1/peers/schemas/fetch", which)
}

// Provide announces that this peer has the content of a CID.
func (c *Client) Provide(ctx context.Context, cid string) error {
	_, err := callWith[json.RawMessage](ctx, c, "/v1/provide", api.Provide{CID: cid})
	return err
}

// Providers returns the peers that provide a CID. With local it asks no other peer.
func (c *Client) Providers(ctx context.Context, cid string, local bool) ([]api.Provider, error) {
	query := url.Values{"cid": {cid}}
	if local {
		query.Set("local", "true")
	}
	return call[[]api.Provider](ctx, c, get("/v1/providers", query))
}
