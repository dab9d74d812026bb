package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// exchange is a request and its answer.
type exchange struct {
	w     http.ResponseWriter
	r     *http.Request
	route *route
	// begun says that the answer has begun, so that its status is fixed.
	begun bool
}

func (x *exchange) ctx() context.Context { return x.r.Context() }

// query returns a query parameter, which the route has to name.
func (x *exchange) query(name string) string { return x.r.URL.Query().Get(name) }

// flag returns a query parameter that is true or false.
func (x *exchange) flag(name string) (bool, error) {
	switch value := x.query(name); value {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, invalid("%s is %q: it is true or false", name, shorten(value))
	}
}

// check refuses parameters that the route does not have, and a body of another type.
func (x *exchange) check() error {
	for name, values := range x.r.URL.Query() {
		switch {
		case !slices.Contains(x.route.query, name):
			return invalid("there is no parameter %q here", shorten(name))
		case len(values) > 1 && name != "where":
			return invalid("the parameter %s is there %d times", name, len(values))
		}
	}
	if x.route.body == "" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || kind != x.route.body {
		return &api.Error{Code: api.Invalid, Message: "the body has to be " + x.route.body + ", and Content-Type to say so"}
	}
	return nil
}

// read reads the body, a JSON object with the members of into.
func (x *exchange) read(into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if err != nil {
		return bodyError(err)
	}
	x.bodyRead()
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalid("the body: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return invalid("the body has more than one JSON object")
	}
	return nil
}

// bodyRead takes the deadline of the body back, which has been read to its end.
func (x *exchange) bodyRead() {
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Time{}) // in tests there is none
}

func bodyError(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fmt.Errorf("the body: %w: it has more than %d bytes", models.ErrTooLarge, large.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return invalid("the body: no more of it came within %v", bodyTime)
	}
	return invalid("the body: %v", err)
}

// answer writes an answer as JSON.
func (x *exchange) answer(value any) error {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return err
	}
	return x.send(typeJSON, body.Bytes())
}

// send writes an answer of any type.
func (x *exchange) send(kind string, body []byte) error {
	x.begin(kind)
	x.extend()
	_, _ = x.w.Write(body) // if it fails, nobody is there to be told
	return nil
}

func (x *exchange) begin(kind string) {
	x.begun = true
	header(x.w, kind)
}

func header(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// extend gives the client time to read what is written next.
func (x *exchange) extend() {
	_ = http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(writeTime)) // in tests there is none
}

// errGone says that the client does not read on.
var errGone = errors.New("the client does not read on")

// writer writes a stream, and gives the client time for each part.
type writer struct{ x *exchange }

func (w writer) Write(p []byte) (int, error) {
	w.x.extend()
	n, err := w.x.w.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", errGone, err)
	}
	return n, err
}

// flush sends what is written.
func (x *exchange) flush() error {
	if err := http.NewResponseController(x.w).Flush(); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// lines returns a function that writes one line of a stream, and sends it.
func (x *exchange) lines() (write func(any) error, err error) {
	x.begin(typeLines)
	e := json.NewEncoder(writer{x})
	e.SetEscapeHTML(false)
	// The header goes at once: a client that waits for events knows that it is heard.
	x.extend()
	return func(value any) error {
		if err := e.Encode(value); err != nil {
			return err
		}
		return x.flush()
	}, x.flush()
}

// stream writes the items of a sequence, one a line.
func stream[T any](x *exchange, items iter.Seq2[T, error]) error {
	write, err := x.lines()
	if err != nil {
		return err
	}
	for item, err := range items {
		if err != nil {
			return err
		}
		if err := write(item); err != nil {
			return err
		}
	}
	return nil
}

func shorten(text string) string {
	const most = 120
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
