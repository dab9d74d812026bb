package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/suggest"
)

var treeRoutes = []route{
	{method: "GET", path: "/v1/trees", serve: (*handler).listTrees},
	{method: "GET", path: "/v1/trees/{tree}/size", serve: (*handler).size},
	{method: "GET", path: "/v1/trees/{tree}/schema", serve: (*handler).schema},
	{method: "GET", path: "/v1/trees/{tree}/rows", query: pageQuery, serve: (*handler).rows},
	{method: "GET", path: "/v1/trees/{tree}/indexes/{index}", query: pageQuery, serve: (*handler).indexed},
	{method: "GET", path: "/v1/trees/{tree}/row", query: []string{"key"}, serve: (*handler).row},
	{method: "GET", path: "/v1/trees/{tree}/holders", token: true, query: []string{"key"}, serve: (*handler).holders},
}

func hexText(b []byte) string { return hex.EncodeToString(b) }

func (h *handler) listTrees(x *exchange) error {
	trees, err := h.treesNow(x.ctx())
	if err != nil {
		return err
	}
	return x.answer(trees)
}

// treesNow describes the trees of the store.
func (h *handler) treesNow(ctx context.Context) ([]api.Tree, error) {
	in := h.Node.Store.Inspect()
	infos, err := in.Trees(ctx)
	if err != nil {
		return nil, err
	}
	trees := make([]api.Tree, 0, len(infos))
	for _, info := range infos {
		if info.Err != nil {
			return nil, info.Err
		}
		tree, err := h.describe(ctx, in, info)
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree)
	}
	slices.SortFunc(trees, func(a, b api.Tree) int { return cmp.Compare(a.Name, b.Name) })
	return trees, nil
}

func (h *handler) describe(ctx context.Context, in *datastore.Inspection, info datastore.TreeInfo) (api.Tree, error) {
	schema, err := h.schemaOf(ctx, in, info.Name)
	if err != nil {
		return api.Tree{}, err
	}
	tree := api.Tree{
		Name: info.Name, Key: info.Key, Codec: info.Codec, Policy: info.Policy, Hosted: h.trees[info.Name] != nil,
		Schema: info.Schema, KeyFields: schema.KeyFields, Clock: schema.Clock,
		Fields: make([]api.Field, 0, len(info.Fields)), Indexes: make([]api.Index, 0, len(info.Indexes)),
	}
	hash := schema.Shape.Hash()
	tree.Hash = hexText(hash[:])
	for _, f := range info.Fields {
		tree.Fields = append(tree.Fields, api.Field{Name: f.Name, Type: f.Type.String()})
	}
	fields := map[string][]string{}
	for _, ix := range schema.Indexes {
		fields[ix.Name] = ix.Fields
	}
	for _, ix := range info.Indexes {
		if ix.Kind == "topic" { // GET /v1/topics lists them
			continue
		}
		tree.Indexes = append(tree.Indexes, api.Index{
			Name: ix.Name, Kind: ix.Kind, Key: ix.Key, Fields: fields[ix.Name], Partial: ix.Partial, Blind: ix.Blind,
			Ready: ix.Ready,
		})
	}
	return tree, nil
}

// schemaOf returns the schema of a tree: of a model what it declares, of another what the catalog has.
func (h *handler) schemaOf(ctx context.Context, in *datastore.Inspection, name string) (shape.Schema, error) {
	if tree := h.trees[name]; tree != nil {
		return tree.Schema(), nil
	}
	return in.Schema(ctx, name)
}

// known returns the tree that the path names, as the catalog has it.
func (h *handler) known(x *exchange) (info datastore.TreeInfo, err error) {
	name := x.r.PathValue("tree")
	infos, err := h.Node.Store.Inspect().Trees(x.ctx())
	if err != nil {
		return info, err
	}
	names := make([]string, len(infos))
	for i, info := range infos {
		if info.Name == name {
			return info, info.Err
		}
		names[i] = info.Name
	}
	return info, &api.Error{
		Code: api.UnknownTree, Message: "there is no tree " + shorten(name), Suggestion: suggest.Word(name, names), Known: names,
	}
}

// hosted returns the model that the path names.
func (h *handler) hosted(x *exchange) (*Tree, error) {
	name := x.r.PathValue("tree")
	if tree := h.trees[name]; tree != nil {
		return tree, nil
	}
	if _, err := h.known(x); err != nil {
		return nil, err
	}
	return nil, &api.Error{
		Code: api.Forbidden,
		Message: name + " is not one of the node's models: its rows can be listed, and no more. " +
			"p2pnode models add FILE adds it; one that only -models names is there while that node runs",
	}
}

func (h *handler) size(x *exchange) error {
	info, err := h.known(x)
	if err != nil {
		return err
	}
	count, err := h.Node.Store.Inspect().Count(x.ctx(), info.Name)
	if err != nil {
		return err
	}
	size := api.Size{Usage: api.Usage{Rows: count.Rows, Bytes: count.Bytes}, Indexes: []api.IndexSize{}}
	for _, ix := range count.Indexes {
		size.Indexes = append(size.Indexes, api.IndexSize(ix))
	}
	return x.answer(size)
}

func (h *handler) schema(x *exchange) error {
	info, err := h.known(x)
	if err != nil {
		return err
	}
	schema, err := h.schemaOf(x.ctx(), h.Node.Store.Inspect(), info.Name)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := schema.Write(&file); err != nil {
		return err
	}
	return x.send(typeJSON, file.Bytes())
}
