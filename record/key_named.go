package record

import "github.com/newsnet-africa/netabase-go/models"

// KeyCodecNamed is [models.KeyCodecNamed] that also knows the codecs of this package, [PeerKey] and
// [HashKey], alone and as parts of composite keys.
func KeyCodecNamed(name string) (codec models.KeyCodec[any], ok bool) {
	return models.KeyCodecNamed(name, ownKeys...)
}

var ownKeys = []models.KeyCodec[any]{models.Untyped(PeerKey), models.Untyped(HashKey)}
