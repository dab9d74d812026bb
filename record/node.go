package record

import (
	"fmt"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	dhtpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	kadrecord "github.com/libp2p/go-libp2p-record"

	"github.com/newsnet-africa/netabase-go/models"
)

// Node is Records and the DHT that keeps its records there: what publishing and
// resolving take. It owns neither. All methods may be called concurrently.
type Node struct {
	records  *Records
	dht      *dht.IpfsDHT
	messages *dhtpb.ProtocolMessenger
}

// Join returns the node of records and of the DHT that was made with their
// DHTOptions. Joined again with the same DHT it returns the same node.
//
// It returns models.ErrUnknownTree where the DHT has no validator for one of
// Options.Models, because it was not made with DHTOptions, and [ErrInUse] while
// another DHT that has not been closed is joined with the records: the two would
// republish each other's records, and what one peer has signed the other cannot.
func Join(records *Records, d *dht.IpfsDHT) (*Node, error) {
	if records.closed.Load() || d.Context().Err() != nil {
		return nil, fmt.Errorf("join: %w", models.ErrClosed)
	}
	if validators, ok := d.Validator.(kadrecord.NamespacedValidator); ok {
		for name := range records.trees {
			if validators[name] == nil {
				return nil, fmt.Errorf("join: %w: the DHT has no validator for %s: give dht.New the DHTOptions of the records",
					models.ErrUnknownTree, name)
			}
		}
	}
	messages, err := dhtpb.NewProtocolMessenger(d.MessageSender())
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	records.joining.Lock()
	defer records.joining.Unlock()
	switch joined := records.node; {
	case joined == nil, joined.dht != d && joined.dht.Context().Err() != nil:
		records.node = &Node{records, d, messages}
	case joined.dht != d:
		return nil, fmt.Errorf("join: %w by another DHT, which has to be closed first", ErrInUse)
	}
	return records.node, nil
}

// Records returns the records of the node.
func (n *Node) Records() *Records { return n.records }

// DHT returns the DHT of the node.
func (n *Node) DHT() *dht.IpfsDHT { return n.dht }
