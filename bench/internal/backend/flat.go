package backend

import (
	"encoding/base32"

	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/keytransform"
)

// flat turns the keys that kad-dht writes into keys of one part and few letters, for a
// datastore that takes no others. Such a datastore cannot query below a prefix.
func flat(d ds.Batching) ds.Batching { return keytransform.Wrap(d, oneName{}) }

type oneName struct{}

var oneNameCoding = base32.HexEncoding.WithPadding(base32.NoPadding)

func (oneName) ConvertKey(k ds.Key) ds.Key {
	return ds.RawKey("/" + oneNameCoding.EncodeToString([]byte(k.String())))
}

func (oneName) InvertKey(k ds.Key) ds.Key {
	name, err := oneNameCoding.DecodeString(k.Name())
	if err != nil {
		return k
	}
	return ds.RawKey(string(name))
}
