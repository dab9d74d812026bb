// Package rivals has other typed stores on the same engines. Each gets the fastest settings of
// its documentation, with commits that are as durable as ours. If a store takes a codec, it
// gets the codec of our values. If it takes index functions, it gets them in place of
// reflection.
package rivals

import (
	"encoding/binary"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/models"
)

// codec is for stores with one codec for rows, keys and everything else. It writes rows like
// ours, ids and authors in eight bytes that sort as they do, and everything else, lists of
// keys, as CBOR.
type codec struct{ rows models.Codec[article.Article] }

func (c codec) encode(value any) ([]byte, error) {
	switch v := value.(type) {
	case *article.Article:
		return c.rows.Append(make([]byte, 0, 300), v)
	case article.Article:
		return c.rows.Append(make([]byte, 0, 300), &v)
	case *boltholdArticle:
		return c.rows.Append(make([]byte, 0, 300), (*article.Article)(v))
	case *badgerholdArticle:
		return c.rows.Append(make([]byte, 0, 300), (*article.Article)(v))
	case uint64:
		return binary.BigEndian.AppendUint64(make([]byte, 0, 8), v), nil
	default:
		return cbor.Marshal(value)
	}
}

func (c codec) decode(data []byte, value any) error {
	switch v := value.(type) {
	case *article.Article:
		return c.rows.Decode(data, v)
	case *boltholdArticle:
		return c.rows.Decode(data, (*article.Article)(v))
	case *badgerholdArticle:
		return c.rows.Decode(data, (*article.Article)(v))
	case *uint64:
		if len(data) != 8 {
			return fmt.Errorf("number of %d bytes", len(data))
		}
		*v = binary.BigEndian.Uint64(data)
		return nil
	default:
		return cbor.Unmarshal(data, value)
	}
}

// Marshal, Unmarshal and Name are storm's names for the methods of a codec.

func (c codec) Marshal(value any) ([]byte, error)      { return c.encode(value) }
func (c codec) Unmarshal(data []byte, value any) error { return c.decode(data, value) }
func (c codec) Name() string                           { return "bench" }
