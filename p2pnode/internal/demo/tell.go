package demo

import (
	"context"
	"strings"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	libp2pnetwork "github.com/libp2p/go-libp2p/core/network"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
	"github.com/newsnet-africa/netabase-go/record"
)

// tell gives an event of the member to the page.
func (s *served) tell(e api.Event) {
	if s == nil || !s.pages.events.Watched() {
		return
	}
	s.mu.Lock()
	e.Peer = s.id.String()
	s.mu.Unlock()
	s.pages.events.Publish(e)
}

func (s *served) published(path string, report record.PublishReport) {
	if s == nil {
		return
	}
	e := api.Event{Kind: api.Published, Tree: golang.Packages.Name(), Key: path}
	for _, id := range report.Took {
		e.To = append(e.To, id.String())
	}
	s.tell(e)
}

func (s *served) resolved(path string) {
	s.tell(api.Event{Kind: api.Resolved, Tree: golang.Packages.Name(), Key: path})
}

// asked is told of each message that another peer's DHT sends to the member.
func (s *served) asked(_ context.Context, stream libp2pnetwork.Stream, message *pb.Message) {
	if !s.pages.events.Watched() {
		return
	}
	e := api.Event{From: stream.Conn().RemotePeer().String()}
	switch message.GetType() {
	case pb.Message_PUT_VALUE:
		e.Kind = api.Placed
	case pb.Message_GET_VALUE:
		e.Kind = api.Asked
	default:
		return
	}
	e.Tree, e.Key = recordOf(message.GetKey())
	s.tell(e)
}

// recordOf returns the tree and the key, as people write it, of a key of the DHT. Both are empty if it
// is none of a record.
func recordOf(key []byte) (tree, text string) {
	path, ok := strings.CutPrefix(string(key), "/"+golang.Packages.Name()+"/")
	if !ok {
		return "", ""
	}
	core := golang.Packages.Core()
	encoded, err := core.ParsePathText(path)
	if err != nil {
		return "", ""
	}
	return golang.Packages.Name(), core.FormatKey(encoded)
}

// waiting is how many records may wait to be told of.
const waiting = 4096

// watch tells of the records that come to the member and are stored, until ctx ends.
func (s *served) watch(ctx context.Context, node *control.Node) {
	for ctx.Err() == nil {
		changes, err := golang.Packages.Watch(ctx, node.Store, models.Range[string]{}, models.WatchOptions{Buffer: waiting})
		if err != nil {
			return
		}
		for c, err := range changes {
			if err != nil {
				break // more records came than it could tell of: it goes on with the next ones
			}
			if c.Origin == models.OriginProgram {
				continue // see published
			}
			e := api.Event{
				Kind: api.Stored, Tree: golang.Packages.Name(), Key: c.Key, Origin: c.Origin.String(), Seq: c.Seq,
			}
			if c.New == nil {
				e.Kind = api.Deleted
			}
			s.tell(e)
		}
	}
}
