package datastore

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"

	"github.com/newsnet-africa/netabase-go/internal/session"
)

// blindDomain is what the keys of blind indexes are made of, with the space of the index.
const blindDomain = "netabase blind index"

// blinding returns the Blind of a place with such indexes: see docs/format.md, "Blind indexes". The
// index key is the store's.
func blinding(indexKey []byte, place *session.Place) func(index int, dst, key []byte) []byte {
	hashes := make([]sync.Pool, len(place.Indexes))
	for i, space := range place.Indexes {
		hashes[i].New = func() any {
			own := hmac.New(sha256.New, indexKey)
			own.Write([]byte(blindDomain))
			own.Write(space)
			return hmac.New(sha256.New, own.Sum(nil))
		}
	}
	return func(index int, dst, key []byte) []byte {
		h := hashes[index].Get().(hash.Hash)
		defer hashes[index].Put(h)
		h.Reset()
		h.Write(key)
		end := len(dst) + session.BlindSize
		return h.Sum(dst)[:end]
	}
}
