package control

import (
	"context"
	"encoding/base32"
	"errors"

	ds "github.com/ipfs/go-datastore"
	dhtpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/record"
)

// detail returns everything about a row of a model.
func (h *handler) detail(ctx context.Context, tree *Tree, text string) (d api.Detail, err error) {
	key, err := tree.keys.encode(text, true)
	if err != nil {
		return d, err
	}
	row, err := tree.Raw().Row(ctx, h.Node.Store, key)
	damage := err
	switch {
	case isDamage(err):
		row.Key = key
	case err != nil:
		return d, err
	default:
		damage = nil
	}
	d.Row = tree.row(nil, &found{RawRow: row, err: damage})
	d.Bytes = hexText(row.Value)
	if damage != nil || !tree.travels() {
		return d, nil
	}
	if d.RecordKey, err = tree.recordKey(key); err != nil {
		return d, err
	}
	status, err := tree.status(ctx, h.Node.Records, key)
	if err != nil {
		return d, err
	}
	d.State, d.Served = status.State.String(), status.Served
	if !status.Since.IsZero() {
		d.Since = new(status.Since.UTC())
	}
	if s := status.Signature; s != nil {
		d.Signature = &api.Signature{Owner: s.Owner.String(), Sequence: s.Sequence, Expires: s.Expires}
	}
	d.Foreign, err = tree.isForeign(key, row.Value)
	return d, err
}

// isForeign reports whether a value has fields that the model does not have. A value of the model
// alone gets none from the row that it replaces.
func (t *Tree) isForeign(key, value []byte) (bool, error) {
	row, err := t.text.Decode(key, value)
	if err != nil {
		return false, err
	}
	_, own, err := t.text.Encode(&row)
	if err != nil {
		return false, err
	}
	with, err := t.Raw().WithUnknown(key, own, value)
	return err == nil && len(with) != len(own), err
}

// askAtOnce is how many peers are asked for a record at once.
const askAtOnce = 8

func (h *handler) holders(x *exchange) error {
	tree, err := h.hosted(x)
	if err != nil {
		return err
	}
	if h.Node.Peer == nil {
		return errOffline
	}
	if !tree.travels() {
		return &api.Error{Code: api.Forbidden, Message: tree.Name() + " is local: no other peer has its rows"}
	}
	key, err := tree.keys.encode(x.query("key"), true)
	if err != nil {
		return err
	}
	all, err := h.holdersOf(x.ctx(), tree, key)
	if err != nil {
		return err
	}
	return x.answer(all)
}

// holdersOf asks the peers closest to the key of a record whether they have it.
func (h *handler) holdersOf(ctx context.Context, tree *Tree, key []byte) ([]api.Holder, error) {
	recordKey, err := tree.recordKey(key)
	if err != nil {
		return nil, err
	}
	d := h.Node.Peer.DHT
	if d.RoutingTable().Size() == 0 {
		return nil, record.ErrNoPeers
	}
	own, err := h.ownRecord(ctx, tree.Name(), recordKey)
	if err != nil {
		return nil, err
	}
	closest, err := d.GetClosestPeers(ctx, recordKey)
	if err != nil {
		return nil, err
	}
	messages, err := dhtpb.NewProtocolMessenger(d.MessageSender())
	if err != nil {
		return nil, err
	}
	all := make([]api.Holder, len(closest))
	var asking errgroup.Group
	asking.SetLimit(askAtOnce)
	for i, p := range closest {
		asking.Go(func() error {
			all[i] = ask(ctx, messages, p, recordKey, own)
			return nil
		})
	}
	return all, asking.Wait()
}

// ask asks a peer for a record. Own is the one stored here, nil if there is none.
func ask(ctx context.Context, messages *dhtpb.ProtocolMessenger, p peer.ID, key string, own []byte) api.Holder {
	holder := api.Holder{Peer: p.String()}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	rec, _, err := messages.GetValue(ctx, p, key)
	if err != nil {
		holder.Error = err.Error()
		return holder
	}
	holder.Has = rec != nil
	holder.Same = rec != nil && own != nil && string(rec.GetValue()) == string(own)
	return holder
}

// ownRecord returns the value of the record that this node serves, nil if it serves none.
func (h *handler) ownRecord(ctx context.Context, tree, recordKey string) ([]byte, error) {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(recordKey))
	served, err := h.Node.Records.Get(ctx, ds.NewKey("/"+tree+"/"+text))
	if errors.Is(err, ds.ErrNotFound) || errors.Is(err, models.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rec := &recpb.Record{}
	if err := proto.Unmarshal(served, rec); err != nil {
		return nil, err
	}
	return rec.GetValue(), nil
}
