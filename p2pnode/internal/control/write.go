package control

import (
	"context"
	"errors"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/record"
)

var writeRoutes = []route{
	{method: "POST", path: "/v1/trees/{tree}/put", token: true, body: typeJSON, serve: (*handler).put},
	{method: "POST", path: "/v1/trees/{tree}/publish", token: true, body: typeJSON, serve: (*handler).publish},
	{method: "POST", path: "/v1/trees/{tree}/retract", token: true, body: typeJSON, serve: (*handler).retract},
	{method: "POST", path: "/v1/trees/{tree}/delete", token: true, body: typeJSON, serve: (*handler).delete},
	{method: "POST", path: "/v1/trees/{tree}/resolve", token: true, body: typeJSON, serve: (*handler).resolve},
}

func (h *handler) put(x *exchange) error {
	tree, err := h.hosted(x)
	if err != nil {
		return err
	}
	var body api.Put
	if err := x.read(&body); err != nil {
		return err
	}
	if len(body.Row) == 0 {
		return invalid("the body has no row")
	}
	key, value, err := tree.parse(body.Row)
	if err != nil {
		return err
	}
	how := putting{insert: body.Insert}
	if body.Expires != nil {
		switch how.expires = *body.Expires; {
		case tree.travels():
			return invalid("rows of %s are records, which expire by their age: leave out expires", tree.Name())
		case body.Insert:
			return invalid("a row is inserted, or expires: not both")
		case !how.expires.After(time.Now()):
			return invalid("expires is in the past")
		}
	}
	report, err := h.store(x.ctx(), tree, key, value, how, body.Local)
	if err != nil {
		return err
	}
	return x.answer(report)
}

// store stores a row, and publishes it if the tree travels and it is not to stay here.
func (h *handler) store(
	ctx context.Context, tree *Tree, key, value []byte, how putting, local bool,
) (api.Report, error) {
	report := api.Report{Key: tree.FormatKey(key), Took: []string{}}
	if !tree.travels() || local {
		return report, tree.put(ctx, h.Node.Store, key, value, how)
	}
	if h.Node.Peer == nil {
		return report, errOffline
	}
	if how.insert {
		has, err := tree.Raw().Has(ctx, h.Node.Store, key)
		switch {
		case err != nil:
			return report, err
		case has:
			return report, &models.Error{Op: "insert", Tree: tree.Name(), Key: report.Key, Err: models.ErrExists}
		}
	}
	return h.send(ctx, tree, key, value)
}

// send publishes a row, and tells of it.
func (h *handler) send(ctx context.Context, tree *Tree, key, value []byte) (api.Report, error) {
	published, err := tree.publish(ctx, h.Node.Peer.Record, key, value)
	report := reportOf(tree, key, published)
	if err != nil {
		return report, err
	}
	e := api.Event{
		Kind: api.Published, Peer: h.Node.ID.String(), To: report.Took, Tree: tree.Name(), Key: report.Key,
	}
	e.Value, _ = tree.appendJSON(nil, key, value) // an event without its row is one nevertheless
	h.Node.Events.Publish(e)
	return report, nil
}

func reportOf(tree *Tree, key []byte, published record.PublishReport) api.Report {
	report := api.Report{Key: tree.FormatKey(key), RecordKey: published.Key, Published: true, Took: []string{}}
	for _, p := range published.Took {
		report.Took = append(report.Took, p.String())
	}
	for _, f := range published.Failed {
		report.Failed = append(report.Failed, api.PeerFailed{Peer: f.Peer.String(), Error: f.Err.Error()})
	}
	return report
}

// keyed reads the body of a request on one key.
func (h *handler) keyed(x *exchange, network bool) (tree *Tree, key []byte, err error) {
	if tree, err = h.hosted(x); err != nil {
		return nil, nil, err
	}
	var body api.Keyed
	if err = x.read(&body); err != nil {
		return nil, nil, err
	}
	if network {
		if !tree.travels() {
			return nil, nil, &api.Error{
				Code: api.Forbidden, Message: tree.Name() + " is local: its rows are no records of the network",
			}
		}
		if h.Node.Peer == nil {
			return nil, nil, errOffline
		}
	}
	key, err = tree.keys.encode(body.Key, true)
	return tree, key, err
}

func (h *handler) publish(x *exchange) error {
	tree, key, err := h.keyed(x, true)
	if err != nil {
		return err
	}
	value, err := tree.Raw().Get(x.ctx(), h.Node.Store, key)
	if err != nil {
		return err
	}
	report, err := h.send(x.ctx(), tree, key, value)
	if err != nil {
		return err
	}
	return x.answer(report)
}

func (h *handler) retract(x *exchange) error {
	tree, key, err := h.keyed(x, true)
	if err != nil {
		return err
	}
	published, err := tree.retract(x.ctx(), h.Node.Peer.Record, key)
	if err != nil {
		return err
	}
	report := reportOf(tree, key, published)
	h.Node.Events.Publish(api.Event{
		Kind: api.Retracted, Peer: h.Node.ID.String(), To: report.Took, Tree: tree.Name(), Key: report.Key,
	})
	return x.answer(report)
}

func (h *handler) delete(x *exchange) error {
	tree, key, err := h.keyed(x, false)
	if err != nil {
		return err
	}
	err = h.Node.Store.Update(x.ctx(), func(ctx context.Context, tx *datastore.WriteTx) error {
		switch has, err := tree.Raw().Has(ctx, tx, key); {
		case err != nil && !isDamage(err):
			return err
		case err == nil && !has:
			return &models.Error{Op: "delete", Tree: tree.Name(), Key: tree.FormatKey(key), Err: models.ErrNotFound}
		}
		return tree.Raw().Delete(ctx, tx, key)
	})
	if err != nil {
		return err
	}
	return x.answer(api.Report{Key: tree.FormatKey(key), Took: []string{}})
}

func (h *handler) resolve(x *exchange) error {
	tree, key, err := h.keyed(x, true)
	if err != nil {
		return err
	}
	value, err := tree.resolve(x.ctx(), h.Node.Peer.Record, key)
	if err != nil {
		if h.Node.Peer.DHT.RoutingTable().Size() == 0 && errors.Is(err, models.ErrNotFound) {
			return record.ErrNoPeers
		}
		return err
	}
	row := tree.row(nil, &found{RawRow: models.RawRow{Key: key, Value: value}})
	h.Node.Events.Publish(api.Event{
		Kind: api.Resolved, Peer: h.Node.ID.String(), Tree: tree.Name(), Key: row.Key, Value: row.Value,
	})
	return x.answer(row)
}
