package client

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/url"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// Status describes the node.
func (c *Client) Status(ctx context.Context) (api.Status, error) {
	return call[api.Status](ctx, c, get("/v1/status", nil))
}

// Config returns the settings in use.
func (c *Client) Config(ctx context.Context) ([]api.Setting, error) {
	return call[[]api.Setting](ctx, c, get("/v1/config", nil))
}

// Trees describes the trees of the store, by name.
func (c *Client) Trees(ctx context.Context) ([]api.Tree, error) {
	return call[[]api.Tree](ctx, c, get("/v1/trees", nil))
}

// Size counts what a tree takes.
func (c *Client) Size(ctx context.Context, tree string) (api.Size, error) {
	return call[api.Size](ctx, c, get(treePath(tree, "size"), nil))
}

// Schema returns the schema file of a tree.
func (c *Client) Schema(ctx context.Context, tree string) (json.RawMessage, error) {
	return call[json.RawMessage](ctx, c, get(treePath(tree, "schema"), nil))
}

// Quarantine yields the rows that a repair has set aside.
func (c *Client) Quarantine(ctx context.Context) iter.Seq2[api.Quarantined, error] {
	return stream[api.Quarantined](ctx, c, get("/v1/quarantine", nil))
}

// RestoreQuarantined puts a row that was set aside back. Its id is that of Quarantined.
func (c *Client) RestoreQuarantined(ctx context.Context, id string) error {
	_, err := callWith[json.RawMessage](ctx, c, "/v1/quarantine/restore", struct {
		ID string `json:"id"`
	}{id})
	return err
}

// Verify examines the store, and yields how far it is.
func (c *Client) Verify(ctx context.Context) iter.Seq2[api.Progress, error] {
	return c.work(ctx, "/v1/verify")
}

// Migrate rewrites the rows of earlier versions, and yields how far it is.
func (c *Client) Migrate(ctx context.Context) iter.Seq2[api.Progress, error] {
	return c.work(ctx, "/v1/migrate")
}

func (c *Client) work(ctx context.Context, path string) iter.Seq2[api.Progress, error] {
	return streamWith[api.Progress](ctx, c, path, struct{}{})
}

// Backup returns a backup of the store as a stream, which the caller closes. Plain leaves the backup
// of an encrypted store unencrypted. A stream that breaks off ends with an error.
func (c *Client) Backup(ctx context.Context, plain bool) (io.ReadCloser, error) {
	r, err := post("/v1/backup", struct{}{})
	if err != nil {
		return nil, err
	}
	if plain {
		r.query = url.Values{"plain": {"true"}}
	}
	resp, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}
