package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// maxLine bounds a line of a stream. A row has at most 16 MiB, which base64 makes a third longer.
const maxLine = 32 << 20

// stream sends a request and yields what the lines of its answer hold.
func stream[T any](ctx context.Context, c *Client, r request) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		ctx, cancel := context.WithCancel(ctx) // so that a loop that ends early ends the request
		defer cancel()
		resp, err := c.do(ctx, r)
		if err != nil {
			yield(none, err)
			return
		}
		defer resp.Body.Close()
		for line, err := range lines(ctx, resp.Body) {
			var element T
			if err == nil {
				err = decodeLine(line, &element)
			}
			if err != nil {
				yield(none, err)
				return
			}
			if !yield(element, nil) {
				return
			}
		}
	}
}

// streamWith is stream for a request with a JSON body.
func streamWith[T any](ctx context.Context, c *Client, path string, body any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r, err := post(path, body)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		stream[T](ctx, c, r)(yield)
	}
}

// decodeLine decodes a line of a stream, the last of which may be an error.
func decodeLine(line []byte, element any) error {
	if failed := failureLine(line); failed != nil {
		return failed
	}
	if err := json.Unmarshal(line, element); err != nil {
		return fmt.Errorf("%w: a line of the stream: %w", ErrUnreachable, err)
	}
	return nil
}

// failureLine returns the error that a line consists of, nil for any other line.
func failureLine(line []byte) error {
	if !bytes.HasPrefix(line, []byte(`{"error":{"code":`)) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var f api.Failure
	if d.Decode(&f) != nil || f.Error == nil || f.Error.Message == "" {
		return nil
	}
	return f.Error
}

// lines yields the lines of r, without their ends, until the next one. A stream that breaks off
// ends with an error.
func lines(ctx context.Context, r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		scanner := bufio.NewScanner(r)
		scanner.Buffer(nil, maxLine)
		for scanner.Scan() {
			if len(scanner.Bytes()) > 0 && !yield(scanner.Bytes(), nil) {
				return
			}
		}
		switch err := scanner.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			yield(nil, fmt.Errorf("a line of the stream has more than %d bytes", maxLine))
		case err != nil:
			yield(nil, unreachable(ctx, err))
		}
	}
}
