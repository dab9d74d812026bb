package record

import (
	"encoding/binary"
	"fmt"

	"github.com/newsnet-africa/netabase-go/models"
)

// Posting is provider records as a batch has put them: they are in no other tree
// yet. It outlives the end of the process, after which they are filed.
type Posting struct {
	// Number is one more than that of the posting before.
	Number uint64
	// Changes are in the order in which they are to be made.
	Changes []OfferChange
}

// OfferChange is a provider record that is put, or deleted.
type OfferChange struct {
	// Key is the multihash of the content provided, Peer the id of the provider
	// and Raw what kad-dht has put, empty where the record is deleted: all three
	// as bytes.
	Key, Peer, Raw string
	Delete         bool
}

// Journal holds the postings that are not filed yet.
var Journal = models.NewTree("journal", models.Uint64,
	func(p *Posting) uint64 { return p.Number },
	models.WithCodec(models.Codec[Posting](journalCodec{})),
	models.WithKey(func(p *Posting, number uint64) { p.Number = number }))

// journalCodec writes of each change the length of the key and the key, or 0 for
// that of the change before; the length of the peer id and the peer id; and one
// more than the length of what was put and that, or 0 for a delete. Lengths are
// varints.
type journalCodec struct{}

func (journalCodec) Name() string { return "libp2p-journal" }

func (journalCodec) Fields() []models.Field { return nil }

func (journalCodec) Append(dst []byte, p *Posting) ([]byte, error) {
	before := ""
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Key == before {
			dst = append(dst, 0)
		} else {
			dst = appendText(dst, c.Key)
			before = c.Key
		}
		dst = appendText(dst, c.Peer)
		if c.Delete {
			dst = append(dst, 0)
			continue
		}
		dst = append(binary.AppendUvarint(dst, uint64(len(c.Raw))+1), c.Raw...)
	}
	return dst, nil
}

func (journalCodec) Decode(src []byte, p *Posting) error {
	*p = Posting{}
	if len(src) > 0 {
		p.Changes = make([]OfferChange, 0, 1+len(src)/32) // they have more, but for damage
	}
	for text, before := string(src), ""; text != ""; {
		c := OfferChange{}
		key, ok := cutText(&text)
		if key != "" {
			before = key
		}
		c.Key = before
		if ok {
			c.Peer, ok = cutText(&text)
		}
		var size uint64
		if ok {
			size, ok = cutNumber(&text)
		}
		switch {
		case !ok || c.Key == "" || size > uint64(len(text))+1:
			return fmt.Errorf("%w: posting is damaged at change %d", models.ErrInvalid, len(p.Changes))
		case size == 0:
			c.Delete = true
		default:
			c.Raw, text = text[:size-1], text[size-1:]
		}
		p.Changes = append(withRoom(p.Changes, 1+len(text)/3), c)
	}
	return nil
}
