package client

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// maxPage is the most rows that a page may have.
const maxPage = 1000

// Query says which rows are asked for, and in which order. The zero Query asks for all.
type Query struct {
	// Key is the one key, From ≤ keys < To are a range, and Prefix is what keys begin with. Nil is
	// not set.
	Key, From, To, Prefix *string
	Reverse               bool
	// Where are conditions that rows have to meet, Order is the field that they are sorted by, as
	// p2pnode find -h describes them.
	Where []string
	Order string
	// Limit is the most rows there are to be. Zero means all.
	Limit int
}

func (q Query) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]*string{"key": q.Key, "from": q.From, "to": q.To, "prefix": q.Prefix} {
		if value != nil {
			v.Set(name, *value)
		}
	}
	if q.Reverse {
		v.Set("reverse", "true")
	}
	for _, condition := range q.Where {
		v.Add("where", condition)
	}
	if q.Order != "" {
		v.Set("order", q.Order)
	}
	return v
}

// Rows yields rows of a tree by their keys. It reads page after page.
func (c *Client) Rows(ctx context.Context, tree string, q Query) iter.Seq2[api.Row, error] {
	return c.pages(ctx, treePath(tree, "rows"), q)
}

// Find yields rows of a tree by an index. It reads page after page.
func (c *Client) Find(ctx context.Context, tree, index string, q Query) iter.Seq2[api.Row, error] {
	return c.pages(ctx, treePath(tree, "indexes", index), q)
}

func (c *Client) pages(ctx context.Context, path string, q Query) iter.Seq2[api.Row, error] {
	return func(yield func(api.Row, error) bool) {
		values, left := q.values(), q.Limit
		for {
			size := maxPage
			if q.Limit > 0 {
				size = min(size, left)
			}
			values.Set("limit", strconv.Itoa(size))
			page, err := call[api.Page](ctx, c, get(path, values))
			if err != nil {
				yield(api.Row{}, err)
				return
			}
			for _, row := range page.Rows {
				if !yield(row, nil) {
					return
				}
			}
			left -= len(page.Rows)
			if page.Next == "" || q.Limit > 0 && left <= 0 {
				return
			}
			values.Set("page", page.Next)
		}
	}
}

// Row returns everything about the row with a key.
func (c *Client) Row(ctx context.Context, tree, key string) (api.Detail, error) {
	return call[api.Detail](ctx, c, get(treePath(tree, "row"), url.Values{"key": {key}}))
}

// Holders asks the peers near the key of a record for it.
func (c *Client) Holders(ctx context.Context, tree, key string) ([]api.Holder, error) {
	return call[[]api.Holder](ctx, c, get(treePath(tree, "holders"), url.Values{"key": {key}}))
}

// Watch yields the records of a tree as they come from the network, until ctx ends.
func (c *Client) Watch(ctx context.Context, tree string) iter.Seq2[api.Event, error] {
	return stream[api.Event](ctx, c, get(treePath(tree, "watch"), nil))
}

// Export yields the rows of a tree, as DAG-JSON.
func (c *Client) Export(ctx context.Context, tree string) iter.Seq2[json.RawMessage, error] {
	return stream[json.RawMessage](ctx, c, get(treePath(tree, "export"), nil))
}

// Import stores the rows that body has, one a line, and publishes them if publish is set.
func (c *Client) Import(ctx context.Context, tree string, body io.Reader, publish bool) (api.Imported, error) {
	r := request{
		method: http.MethodPost, path: treePath(tree, "import"),
		contentType: "application/x-ndjson", body: body,
	}
	if publish {
		r.query = url.Values{"publish": {"true"}}
	}
	return call[api.Imported](ctx, c, r)
}

// Put stores a row, and publishes it unless it stays on this peer.
func (c *Client) Put(ctx context.Context, tree string, row api.Put) (api.Report, error) {
	return callWith[api.Report](ctx, c, treePath(tree, "put"), row)
}

// Publish puts the record of a stored row into the DHT.
func (c *Client) Publish(ctx context.Context, tree, key string) (api.Report, error) {
	return callWith[api.Report](ctx, c, treePath(tree, "publish"), api.Keyed{Key: key})
}

// Retract takes a record of a signed tree back.
func (c *Client) Retract(ctx context.Context, tree, key string) (api.Report, error) {
	return callWith[api.Report](ctx, c, treePath(tree, "retract"), api.Keyed{Key: key})
}

// Delete removes a row from this peer.
func (c *Client) Delete(ctx context.Context, tree, key string) (api.Report, error) {
	return callWith[api.Report](ctx, c, treePath(tree, "delete"), api.Keyed{Key: key})
}

// Resolve gets a record from the peers that hold it.
func (c *Client) Resolve(ctx context.Context, tree, key string) (api.Row, error) {
	return callWith[api.Row](ctx, c, treePath(tree, "resolve"), api.Keyed{Key: key})
}
