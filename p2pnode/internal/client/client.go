// Package client speaks to a node by its control interface: to one that runs, over the socket in its
// directory, or to one in this process.
//
//	c, err := client.Dial(ctx, dir)
//	for row, err := range c.Rows(ctx, "club.member", client.Query{Limit: 10}) { … }
//
// Errors that the node answers with are *api.Error. Streams end with the first error.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/daemon"
)

// host is the name that requests have for the node. It is a loopback name, as the node demands.
const host = "localhost"

// maxFailure bounds how many bytes of an error are read.
const maxFailure = 1 << 20

// ErrNotRunning is returned by Dial if no node runs in the directory.
var ErrNotRunning = errors.New("no node runs")

// Client speaks to a node. Its methods may be used concurrently.
type Client struct {
	http  *http.Client
	token string
	close func() error
}

// Dial returns a client of the node that runs in dir. The error matches ErrNotRunning if none does.
func Dial(ctx context.Context, dir string) (*Client, error) {
	if _, err := os.Lstat(config.Socket(dir)); err != nil {
		return nil, notRunning(dir, err)
	}
	socket, err := daemon.SocketPath(dir)
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", socket)
	}
	conn, err := dial(ctx, "", "")
	if err != nil {
		return nil, notRunning(dir, err)
	}
	_ = conn.Close() // it has told that somebody listens
	token, err := daemon.Token(dir)
	if err != nil {
		return nil, err
	}
	return newClient(dial, token, nil), nil
}

// notRunning returns the error for a socket that nobody listens on, or that cannot be used.
func notRunning(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w in %s", ErrNotRunning, dir)
	}
	return fmt.Errorf("%w: in %s: %w", ErrUnreachable, dir, err)
}

// newClient returns a client that connects with dial.
func newClient(
	dial func(ctx context.Context, network, address string) (net.Conn, error), token string, close func() error,
) *Client {
	transport := &http.Transport{DialContext: dial, DisableCompression: true}
	return &Client{
		http:  &http.Client{Transport: transport},
		token: token,
		close: func() error {
			transport.CloseIdleConnections()
			if close == nil {
				return nil
			}
			return close()
		},
	}
}

// Close ends the connections, and the node if Serve made the client. Call it once.
func (c *Client) Close() error { return c.close() }

// request is a request of the control interface.
type request struct {
	method, path string
	query        url.Values
	contentType  string
	body         io.Reader
}

// get is a request that changes nothing.
func get(path string, query url.Values) request {
	return request{method: http.MethodGet, path: path, query: query}
}

// post is a request with a JSON body.
func post(path string, body any) (request, error) {
	r := request{method: http.MethodPost, path: path, contentType: "application/json"}
	b, err := json.Marshal(body)
	r.body = bytes.NewReader(b)
	return r, err
}

// treePath is the path of a request on a tree.
func treePath(tree string, parts ...string) string {
	path := "/v1/trees/" + url.PathEscape(tree)
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// do sends a request and returns an answer of success, whose body the caller closes.
func (c *Client) do(ctx context.Context, r request) (*http.Response, error) {
	address := "http://" + host + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, r.body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, failure(resp)
	}
	return resp, nil
}

// ErrUnreachable is matched by errors of a connection to the node that failed or broke.
var ErrUnreachable = errors.New("the node cannot be reached")

// unreachable returns the error of a connection, or why ctx ended.
func unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) { // it would repeat the address
		err = wrapped.Err
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// failure reads the error of an answer.
func failure(resp *http.Response) error {
	var f api.Failure
	err := json.NewDecoder(io.LimitReader(resp.Body, maxFailure)).Decode(&f)
	if err != nil || f.Error == nil {
		return &api.Error{Code: api.Internal, Message: "the node answers: " + resp.Status}
	}
	return f.Error
}

// call sends a request and decodes its answer.
func call[T any](ctx context.Context, c *Client, r request) (answer T, err error) {
	resp, err := c.do(ctx, r)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return answer, unreachable(ctx, fmt.Errorf("read the answer: %w", err))
	}
	return answer, nil
}

// callWith is call for a request with a JSON body.
func callWith[T any](ctx context.Context, c *Client, path string, body any) (answer T, err error) {
	r, err := post(path, body)
	if err != nil {
		return answer, err
	}
	return call[T](ctx, c, r)
}
