package client

import (
	"context"
	"iter"
	"net/url"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// Topics returns the topics of the node's models, by name.
func (c *Client) Topics(ctx context.Context) ([]api.Topic, error) {
	return call[[]api.Topic](ctx, c, get("/v1/topics", nil))
}

// Sync brings a topic of a tree together with those of other peers, and yields how far it is.
func (c *Client) Sync(ctx context.Context, tree, topic string, how api.Sync) iter.Seq2[api.Synced, error] {
	path := "/v1/topics/" + url.PathEscape(tree) + "/" + url.PathEscape(topic) + "/sync"
	return streamWith[api.Synced](ctx, c, path, how)
}
