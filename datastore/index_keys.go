package datastore

import (
	"encoding/hex"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// cutter returns a function that splits what follows the space number in the key of an entry,
// without the definition: into the index key and the rest. It returns nil where the codec of index
// keys is not known.
func (ix *indexEntry) cutter() func(entry []byte) (index, rest []byte, err error) {
	switch {
	case ix.Blind:
		return cutBlind
	case ix.Kind == session.Topical:
		return session.CutTopicKey
	}
	codec, known := models.KeyCodecNamed(ix.Key)
	if !known {
		return nil
	}
	return func(entry []byte) (index, rest []byte, err error) {
		if _, rest, err = codec.Decode(entry); err != nil {
			return nil, nil, err
		}
		return entry[:len(entry)-len(rest)], rest, nil
	}
}

func cutBlind(entry []byte) (index, rest []byte, err error) {
	if len(entry) < session.BlindSize {
		return nil, nil, fmt.Errorf("%w: a key of %d bytes in a blind index, not %d", models.ErrInvalid, len(entry),
			session.BlindSize)
	}
	return entry[:session.BlindSize], entry[session.BlindSize:], nil
}

// text returns an index key that cutter's function has returned as people write it.
func (ix *indexEntry) text(index []byte) string {
	if ix.Kind == session.Topical && len(index) > 0 {
		return hex.EncodeToString(index[1:]) // the id
	}
	codec, known := models.KeyCodecNamed(ix.Key)
	if ix.Blind || !known {
		return hex.EncodeToString(index)
	}
	key, _, err := codec.Decode(index)
	if err != nil {
		return hex.EncodeToString(index)
	}
	return codec.Format(key)
}
