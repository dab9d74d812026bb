package record

import (
	"encoding/hex"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
)

// PeerKey is the codec of keys that are peer ids. They sort bytewise; their text
// is lower-case hex, "-" for the empty one.
var PeerKey models.KeyCodec[peer.ID] = peerKey{models.StringOf[peer.ID]()}

// peerKey has the bytes of a string. Its text is one that programs in other
// languages can make without knowing how a string is escaped.
type peerKey struct{ models.KeyCodec[peer.ID] }

const noPeer = "-"

func (peerKey) Name() string { return "peer" }

func (peerKey) AppendText(dst []byte, p peer.ID) []byte {
	if p == "" {
		return append(dst, noPeer...)
	}
	return hex.AppendEncode(dst, []byte(p))
}

func (k peerKey) ParseText(text string) (peer.ID, error) {
	if text == noPeer {
		return "", nil
	}
	id, err := parseHex(k.Name(), text)
	if err == nil && len(id) == 0 {
		err = fmt.Errorf("%w: %s key: text is empty", models.ErrInvalid, k.Name())
	}
	return peer.ID(id), err
}

// parseHex reads lower-case hex.
func parseHex(codec, text string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || hex.EncodeToString(b) != text {
		return nil, fmt.Errorf("%w: %s key: text is not lower-case hex", models.ErrInvalid, codec)
	}
	return b, nil
}
