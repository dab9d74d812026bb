package record

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/mr-tron/base58"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
)

// PeerKey is the codec of keys that are peer ids. The keys sort bytewise. Their text is
// lower-case hex, and "-" for the empty one.
var PeerKey models.KeyCodec[peer.ID] = peerKey{models.StringOf[peer.ID]()}

// peerKey writes the bytes of a string. Programs in other languages can make its text
// without knowing how a string is escaped.
type peerKey struct{ models.KeyCodec[peer.ID] }

const noPeer = "-"

func (peerKey) Name() string { return policy.PeerKey }

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

// maxPeer is the length in bytes up to which base 58 is used. The time of base 58 grows
// with the square of the length, and no peer id is longer.
const maxPeer = 64

// Format writes a peer id as libp2p does, in base 58. It writes keys that are too long
// for a peer id in hex.
func (k peerKey) Format(p peer.ID) string {
	switch {
	case p == "":
		return k.KeyCodec.Format(p)
	case len(p) > maxPeer:
		return models.Bytes.Format([]byte(p))
	}
	return base58.Encode([]byte(p))
}

func (k peerKey) Parse(text string) (peer.ID, error) {
	if text == k.Format("") {
		return "", nil
	}
	if strings.HasPrefix(text, "0x") { // 0 is no digit of base 58
		id, err := models.Bytes.Parse(text)
		return peer.ID(id), err
	}
	if len(text) > 2*maxPeer {
		return "", fmt.Errorf("%w: %s key: %d characters, and no peer id has as many",
			models.ErrInvalid, k.Name(), len(text))
	}
	id, err := base58.Decode(text)
	if err != nil || len(id) == 0 {
		return "", fmt.Errorf("%w: %s key: %q is no peer id in base 58", models.ErrInvalid, k.Name(), text)
	}
	return peer.ID(id), nil
}

// parseHex reads lower-case hex.
func parseHex(codec, text string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || hex.EncodeToString(b) != text {
		return nil, fmt.Errorf("%w: %s key: text is not lower-case hex", models.ErrInvalid, codec)
	}
	return b, nil
}
