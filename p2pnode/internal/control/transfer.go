package control

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control/hub"
)

var transferRoutes = []route{
	{method: "GET", path: "/v1/trees/{tree}/watch", stream: true, serve: (*handler).watch},
	{method: "GET", path: "/v1/trees/{tree}/export", stream: true, serve: (*handler).export},
	{
		method: "POST", path: "/v1/trees/{tree}/import", token: true, stream: true, body: typeLines,
		query: []string{"publish"}, serve: (*handler).importRows,
	},
}

func (h *handler) watch(x *exchange) error {
	tree, err := h.hosted(x)
	if err != nil {
		return err
	}
	changes, err := tree.Watch(x.ctx(), h.Node.Store, hub.Buffer)
	if err != nil {
		return err
	}
	return stream(x, func(yield func(api.Event, error) bool) {
		for c, err := range changes {
			var e api.Event
			if err == nil {
				e, err = tree.Event(&c, true)
				e.Peer = h.Node.ID.String()
			}
			if !yield(e, err) {
				return
			}
		}
	})
}

// Event returns the event of a change, with the rows before and after if asked for.
func (t *Tree) Event(c *models.RawChange, rows bool) (e api.Event, err error) {
	e = api.Event{
		Time: time.Now().UTC(), Kind: api.Stored, Tree: t.Name(), Key: t.FormatKey(c.Key),
		Origin: c.Origin.String(), Seq: c.Seq,
	}
	if c.New == nil {
		e.Kind = api.Deleted
		if c.Origin == models.OriginDHT || c.Origin == models.OriginSync {
			e.Kind = api.Retracted
		}
	}
	if rows && c.New != nil {
		e.Value, err = t.appendJSON(nil, c.Key, c.New.Value)
	}
	if rows && c.Old != nil && err == nil {
		e.Old, err = t.appendJSON(nil, c.Key, c.Old.Value)
	}
	return e, err
}

// exportEvery is how many bytes are written between two flushes.
const exportEvery = 64 << 10

func (h *handler) export(x *exchange) error {
	tree, err := h.hosted(x)
	if err != nil {
		return err
	}
	if _, err := x.lines(); err != nil {
		return err
	}
	// All rows are those of one moment. A client that does not read on is cut off, so that the
	// transaction ends.
	out := bufio.NewWriterSize(writer{x}, exportEvery)
	err = h.Node.Store.View(x.ctx(), func(ctx context.Context, tx *datastore.ReadTx) error {
		var line []byte
		for row, err := range tree.Raw().Scan(ctx, tx, models.Range[[]byte]{}) {
			if err == nil {
				line, err = tree.appendJSON(line[:0], row.Key, row.Value)
			}
			if err == nil {
				_, err = out.Write(append(line, '\n'))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		return err
	}
	return x.flush()
}

const (
	// maxReasons is how many refused lines are named.
	maxReasons = 100
	// importRowsAtOnce and importBytesAtOnce bound the rows that are stored in one transaction.
	importRowsAtOnce  = 256
	importBytesAtOnce = 1 << 20
)

// importing is an import that goes on.
type importing struct {
	h       *handler
	tree    *Tree
	publish bool
	done    api.Imported
	batch   []importRow
	size    int
}

type importRow struct {
	line       int64
	key, value []byte
}

func (h *handler) importRows(x *exchange) error {
	tree, err := h.hosted(x)
	if err != nil {
		return err
	}
	im := &importing{h: h, tree: tree}
	if im.publish, err = x.flag("publish"); err != nil {
		return err
	}
	switch {
	case im.publish && !tree.travels():
		return invalid("rows of %s are no records of the network, and cannot be published", tree.Name())
	case im.publish && h.Node.Peer == nil:
		return errOffline
	}
	number := int64(0)
	for line, err := range bodyLines(x) {
		if err != nil {
			return im.broken(x.ctx(), err)
		}
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := im.add(x.ctx(), number, line); err != nil {
			return err
		}
	}
	if err := im.flush(x.ctx()); err != nil {
		return err
	}
	return x.answer(im.done)
}

// broken ends an import whose body broke off. The lines before are stored, and not published any more.
func (im *importing) broken(ctx context.Context, err error) error {
	im.publish = false
	if failed := im.flush(context.WithoutCancel(ctx)); failed != nil { // ctx has ended with the body
		err = failed
	}
	fault := *faultOf(err)
	fault.Message += fmt.Sprintf("; lines stored before it: %d, refused: %d", im.done.Stored, im.done.Refused)
	return &fault
}

// bodyLines yields the lines of the body, each of which has to come in time and be no longer than a
// body of JSON may be. The memory of a line is good until the next.
func bodyLines(x *exchange) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		conn := http.NewResponseController(x.w)
		lines := bufio.NewScanner(timedReader{x, conn})
		lines.Buffer(make([]byte, 0, exportEvery), maxBody)
		for lines.Scan() {
			if !yield(lines.Bytes(), nil) {
				return
			}
		}
		switch err := lines.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			yield(nil, &api.Error{Code: api.TooLarge, Message: "a line has more than 1048576 bytes"})
		case err != nil:
			yield(nil, bodyError(err))
		default:
			x.bodyRead()
		}
	}
}

// timedReader gives the client time for each part of the body.
type timedReader struct {
	x    *exchange
	conn *http.ResponseController
}

func (r timedReader) Read(p []byte) (int, error) {
	_ = r.conn.SetReadDeadline(time.Now().Add(bodyTime)) // in tests there is none
	return r.x.r.Body.Read(p)
}

// add takes one line. The error is one of the store, not of the line.
func (im *importing) add(ctx context.Context, number int64, line []byte) error {
	key, value, err := im.tree.parse(line)
	if err != nil {
		im.refuse(number, err)
		return nil
	}
	im.batch = append(im.batch, importRow{number, key, value})
	im.size += len(key) + len(value)
	if len(im.batch) >= importRowsAtOnce || im.size >= importBytesAtOnce {
		return im.flush(ctx)
	}
	return nil
}

func (im *importing) refuse(number int64, err error) {
	im.done.Refused++
	if len(im.done.Reasons) < maxReasons {
		im.done.Reasons = append(im.done.Reasons, api.RefusedLine{Line: number, Error: err.Error()})
	}
}

// flush stores the rows that wait: all in one transaction, or if one of them is refused, each in its
// own.
func (im *importing) flush(ctx context.Context) error {
	batch := im.batch
	im.batch, im.size = nil, 0
	if len(batch) == 0 {
		return nil
	}
	if im.publish {
		return im.each(ctx, batch, func(r importRow) error {
			_, err := im.h.send(ctx, im.tree, r.key, r.value)
			if err == nil {
				im.done.Published++
			}
			return err
		})
	}
	err := im.h.Node.Store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		for _, r := range batch {
			if err := im.tree.put(ctx, tx, r.key, r.value, putting{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		im.done.Stored += int64(len(batch))
		return nil
	}
	return im.each(ctx, batch, func(r importRow) error {
		return im.tree.put(ctx, im.h.Node.Store, r.key, r.value, putting{})
	})
}

// each stores rows one by one. A row that is refused holds up no other.
func (im *importing) each(ctx context.Context, rows []importRow, store func(importRow) error) error {
	for _, r := range rows {
		err := store(r)
		switch {
		case err == nil:
			im.done.Stored++
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case faultOf(err).Code == api.NoPeers: // stored, and published later
			im.done.Stored++
			im.refuse(r.line, err)
		case faultOf(err).Code == api.Internal:
			return err
		default:
			im.refuse(r.line, err)
		}
	}
	return nil
}
