//go:build js

package browser

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/p2p/transport/webrtc/pb"
	"google.golang.org/protobuf/proto"
)

const (
	// maxFrame is how large a message of a data channel is at most, by the specification of webrtc-direct.
	maxFrame = 16 << 10
	// maxBody is how many bytes of a stream go into a frame: lengths and tags take some of it.
	maxBody = maxFrame - 16
)

// errFrame is what is no message of webrtc-direct.
var errFrame = errors.New("the peer sends what is no message of webrtc-direct")

// maxWhole is how large a frame is at most that goes out in one piece. Go-libp2p reads by 4 KiB, and takes no larger
// piece unless the length came before it.
const maxWhole = 4 << 10

// pieces returns a message with its length before it, as what is sent at once.
func pieces(m *pb.Message) ([][]byte, error) {
	size := proto.Size(m)
	length := binary.AppendUvarint(make([]byte, 0, size+binary.MaxVarintLen32), uint64(size))
	whole, err := proto.MarshalOptions{}.MarshalAppend(length, m)
	switch {
	case err != nil:
		return nil, err
	case len(whole) > maxWhole:
		return [][]byte{length, whole[len(length):]}, nil
	default:
		return [][]byte{whole}, nil
	}
}

// frames divides what comes into messages. A length, and a message, may come in several parts.
type frames struct{ rest []byte }

// add calls each for the messages that are complete now. It fails if the bytes are none, or if each does.
func (f *frames) add(p []byte, each func(*pb.Message) error) error {
	if len(f.rest) > 0 {
		p = append(f.rest, p...)
	}
	for {
		size, n := binary.Uvarint(p)
		if n < 0 || size > maxFrame || n == 0 && len(p) >= binary.MaxVarintLen16 {
			return fmt.Errorf("%w: its length is wrong", errFrame)
		}
		if n == 0 || uint64(len(p)-n) < size {
			f.rest = append(f.rest[:0], p...) // less than a frame
			return nil
		}
		var m pb.Message
		if err := proto.Unmarshal(p[n:n+int(size)], &m); err != nil {
			return fmt.Errorf("%w: %w", errFrame, err)
		}
		if err := each(&m); err != nil {
			return err
		}
		p = p[n+int(size):]
	}
}
