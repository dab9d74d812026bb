package models

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/session"
)

// DefaultPage is how many rows a page has where its range sets no limit.
const DefaultPage = 100

// Page returns the rows that rng selects, up to its limit, and a token with
// which the next call continues after them. It is for paging across requests.
// The first call takes an empty token; the token returned is empty when there
// are no more rows. Every call reads its own snapshot, so rows written or
// deleted between two calls may or may not be seen, and every other row is seen
// exactly once.
//
// Tokens are text that is safe in URLs. A token works only with the same tree
// and the same direction, and never leads out of rng; any other token returns
// ErrInvalid. A token is neither secret nor signed: it holds the last key.
func (t *Tree[M, K]) Page(
	ctx context.Context, r Reader, rng Range[K], token string,
) (rows []M, next string, err error) {
	return page(ctx, r, t.walk(), t.bounds(rng.pageOf(token)), t.row, rng, token)
}

// Page returns the rows whose index keys rng selects, in the order of the index
// keys and then of the primary keys. See [Tree.Page].
func (ix *shared[M, K, I]) Page(
	ctx context.Context, r Reader, rng Range[I], token string,
) (rows []M, next string, err error) {
	return page(ctx, r, ix.walk(), ix.bounds(rng.pageOf(token)), ix.row, rng, token)
}

// pageOf is the range a page is read from: one row more than it has, to know
// whether there are more. Only the first page leaves out an offset.
func (r Range[K]) pageOf(token string) Range[K] {
	if token != "" {
		r.offset = 0
	}
	return r.Limit(r.pageSize() + 1)
}

func (r Range[K]) pageSize() int {
	if r.limit == 0 {
		return DefaultPage
	}
	return r.limit
}

func page[M, K any](
	ctx context.Context, r Reader, w walk, within bounds, read reading[M], rng Range[K], token string,
) (rows []M, next string, err error) {
	mark := w.tokenMark(rng.reverse)
	if token != "" {
		if w.after, err = parseToken(token, mark); err != nil {
			return nil, "", w.fail("page", err)
		}
	}
	type row struct {
		model M
		key   []byte
	}
	var last []byte
	scan(ctx, r, w, within, func(s *session.Session, p *session.Place, key, stored []byte) (at row, err error) {
		space := p.Space
		if w.index != "" {
			space = p.Indexes[w.number]
		}
		at.key = bytes.Clone(key[len(space):])
		at.model, err = read(s, p, key, stored)
		return at, err
	}, func(item row, failure error) bool {
		switch {
		case failure != nil:
			rows, err = nil, failure
			return false
		case len(rows) == rng.pageSize():
			next = formatToken(mark, last)
			return false
		}
		rows, last = append(rows, item.model), item.key
		return true
	})
	return rows, next, err
}

// tokenMark tells apart the tokens of different walks.
func (w walk) tokenMark(reverse bool) uint32 {
	return crc32.ChecksumIEEE(fmt.Appendf(nil, "%s/%s/%t", w.tree.Name, w.index, reverse))
}

// A token is the mark, the last stored key without its space number, and a
// checksum of both, which catches tokens that were cut short or mistyped.
func formatToken(mark uint32, key []byte) string {
	token := binary.BigEndian.AppendUint32(nil, mark)
	token = append(token, key...)
	token = binary.BigEndian.AppendUint32(token, crc32.ChecksumIEEE(token))
	return base64.RawURLEncoding.EncodeToString(token)
}

func parseToken(text string, mark uint32) (key []byte, err error) {
	token, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(token) < 8 || len(token) > engine.MaxKeySize+8 {
		return nil, fmt.Errorf("%w: not a page token", ErrInvalid)
	}
	body, sum := token[:len(token)-4], binary.BigEndian.Uint32(token[len(token)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return nil, fmt.Errorf("%w: page token is damaged", ErrInvalid)
	}
	if binary.BigEndian.Uint32(body) != mark {
		return nil, fmt.Errorf("%w: page token is of another tree, index or direction", ErrInvalid)
	}
	return body[4:], nil
}
