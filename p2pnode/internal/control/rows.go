package control

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/suggest"
)

// pageQuery are the query parameters of a list of rows.
var pageQuery = []string{"key", "from", "to", "prefix", "reverse", "limit", "page", "where", "order"}

// place is where the next page begins.
type place struct {
	// Of is a checksum of what is listed: a token works with the same request only.
	Of uint32 `json:"of"`
	// Index and Primary are the keys of the last row, encoded.
	Index   []byte `json:"i,omitempty"`
	Primary []byte `json:"p,omitempty"`
	// Skip is how many rows an ordered list leaves out.
	Skip int `json:"s,omitempty"`
}

// listing is a request for a page.
type listing struct {
	limit   int
	reverse bool
	at      *place // nil for the first page
	of      uint32
}

// newListing reads the parameters that every list has.
func newListing(x *exchange) (l listing, err error) {
	if l.reverse, err = x.flag("reverse"); err != nil {
		return l, err
	}
	l.limit = defaultPage
	if text := x.query("limit"); text != "" {
		if l.limit, err = strconv.Atoi(text); err != nil || l.limit < 1 || l.limit > maxPage {
			return l, invalid("limit is %q: it is a number from 1 to %d", shorten(text), maxPage)
		}
	}
	what := x.r.URL.Query()
	token := what.Get("page")
	what.Del("page")
	what.Del("limit")
	l.of = crc32.ChecksumIEEE([]byte(x.r.URL.Path + "?" + what.Encode()))
	if token == "" {
		return l, nil
	}
	l.at = &place{}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, l.at)
	}
	if err != nil || l.at.Of != l.of || l.at.Skip < 0 {
		return l, invalid("page is no token of this list")
	}
	return l, nil
}

// next returns the token of the page that begins at a place.
func (l *listing) next(at place) (string, error) {
	at.Of = l.of
	text, err := json.Marshal(at)
	return base64.RawURLEncoding.EncodeToString(text), err
}

func (h *handler) rows(x *exchange) error {
	l, err := newListing(x)
	if err != nil {
		return err
	}
	var page api.Page
	if tree := h.trees[x.r.PathValue("tree")]; tree != nil {
		page, err = h.hostedPage(x, tree, nil, &l)
	} else {
		page, err = h.listed(x, &l)
	}
	if err != nil {
		return err
	}
	return x.answer(page)
}

// listed returns a page of a tree that is not one of the node's models, in the order of the keys.
func (h *handler) listed(x *exchange, l *listing) (page api.Page, err error) {
	info, err := h.known(x)
	if err != nil {
		return page, err
	}
	for _, name := range []string{"to", "prefix", "where", "order", "reverse"} {
		if x.query(name) != "" {
			return page, &api.Error{
				Code:    api.Forbidden,
				Message: info.Name + " is not one of the node's models: its rows are listed from a key on, and " + name + " cannot be used",
			}
		}
	}
	var first []byte
	from, key := x.query("from"), x.query("key")
	if from == "" {
		from = key
	}
	switch {
	case l.at != nil:
		first = append(l.at.Primary, 0) // what comes next
	case from != "":
		if first, err = untypedKey(info, from); err != nil {
			return page, err
		}
	}
	page.Rows = []api.Row{}
	size := 0
	var last []byte
	for row, err := range h.Node.Store.Inspect().RowsFrom(x.ctx(), info.Name, first) {
		if err != nil {
			return page, err
		}
		if key != "" && row.Key != key {
			break
		}
		if len(page.Rows) == l.limit || size > maxPageBytes {
			page.Next, err = l.next(place{Primary: last})
			return page, err
		}
		page.Rows, last, size = append(page.Rows, rowOf(&row)), row.Primary, size+row.Size
	}
	return page, nil
}

// untypedKey reads a key of a tree that is not one of the node's models.
func untypedKey(info datastore.TreeInfo, text string) ([]byte, error) {
	codec, ok := models.KeyCodecNamed(info.Key)
	if !ok { // such keys are shown in hex
		key, err := hex.DecodeString(text)
		if err != nil {
			return nil, invalid("key %q: it is not hex", shorten(text))
		}
		return key, nil
	}
	key, err := codec.Parse(text)
	if err != nil {
		return nil, invalid("key %q: %v", shorten(text), err)
	}
	return codec.AppendLast(nil, key), nil
}

func rowOf(row *datastore.InspectedRow) api.Row {
	out := api.Row{Key: row.Key, Value: row.Value}
	if !row.Expires.IsZero() {
		out.Expires = &row.Expires
	}
	if row.Err != nil {
		out.Error = row.Err.Error()
	}
	return out
}

func (h *handler) indexed(x *exchange) error {
	tree, err := h.hosted(x)
	if err != nil {
		return err
	}
	name := x.r.PathValue("index")
	ix, ok := tree.indexes[name]
	if !ok {
		known := slices.Sorted(maps.Keys(tree.indexes))
		return &api.Error{
			Code: api.UnknownIndex, Message: tree.Name() + " has no index " + shorten(name),
			Suggestion: suggest.Word(name, known), Known: known,
		}
	}
	l, err := newListing(x)
	if err != nil {
		return err
	}
	page, err := h.hostedPage(x, tree, &ix, &l)
	if err != nil {
		return err
	}
	return x.answer(page)
}

// row serves everything about one row.
func (h *handler) row(x *exchange) error {
	if x.query("key") == "" {
		return invalid("the parameter key is missing")
	}
	if tree := h.trees[x.r.PathValue("tree")]; tree != nil {
		detail, err := h.detail(x.ctx(), tree, x.query("key"))
		if err != nil {
			return err
		}
		return x.answer(detail)
	}
	page, err := h.listed(x, &listing{limit: 1})
	switch {
	case err != nil:
		return err
	case len(page.Rows) == 0:
		return &api.Error{Code: api.NotFound, Message: "there is no row " + shorten(x.query("key"))}
	}
	return x.answer(api.Detail{Row: page.Rows[0]})
}
