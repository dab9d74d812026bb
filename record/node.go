package record

import (
	"fmt"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	dhtpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	kadrecord "github.com/libp2p/go-libp2p-record"

	"github.com/newsnet-africa/netabase-go/models"
)

// Node is Records and the DHT that keeps its records in them. Publishing and resolving
// need both. A Node owns neither. All methods may be called concurrently.
type Node struct {
	records  *Records
	dht      *dht.IpfsDHT
	messages *dhtpb.ProtocolMessenger
}

// Join returns the node of records and of d, a DHT that was made with their DHTOptions.
// A second call with the same DHT returns the same node. From then on, until the Records are closed,
// the DHT's host answers other peers that ask for the schemas of Options.Models, and that sync their topics: see
// [Node.Schemas] and [Node.Sync].
//
// Join returns models.ErrUnknownTree if the DHT was not made with DHTOptions and so has
// no validator for one of Options.Models. It returns [ErrInUse] while the records are
// joined with another DHT that is not closed: the two would republish each other's
// records, and one peer cannot sign the records of the other.
func Join(records *Records, d *dht.IpfsDHT) (*Node, error) {
	if records.closed.Load() || isClosed(d) {
		return nil, fmt.Errorf("join: %w", models.ErrClosed)
	}
	if validators, ok := d.Validator.(kadrecord.NamespacedValidator); ok {
		for name := range records.trees {
			if validators[name] == nil {
				return nil, fmt.Errorf("join: %w: the DHT has no validator for %s: "+
					"give dht.New the DHTOptions of the records", models.ErrUnknownTree, name)
			}
		}
	}
	messages, err := dhtpb.NewProtocolMessenger(d.MessageSender())
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	schemas, err := newSchemas(records.trees)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	records.joining.Lock()
	defer records.joining.Unlock()
	switch joined := records.node; {
	case joined == nil, joined.dht != d && isClosed(joined.dht):
		records.node = &Node{records: records, dht: d, messages: messages}
		d.Host().SetStreamHandler(SchemaProtocol, schemas.answer)
		if len(records.topics) > 0 {
			d.Host().SetStreamHandler(SyncProtocol, records.responder.answer)
		}
	case joined.dht != d:
		return nil, fmt.Errorf("join: %w by another DHT, which has to be closed first", ErrInUse)
	}
	return records.node, nil
}

// isClosed reports whether the DHT has been closed.
func isClosed(d *dht.IpfsDHT) bool {
	//lint:ignore SA1019 nothing else says so
	return d.Context().Err() != nil
}

// Records returns the Records of the node.
func (n *Node) Records() *Records { return n.records }

// DHT returns the DHT of the node.
func (n *Node) DHT() *dht.IpfsDHT { return n.dht }
