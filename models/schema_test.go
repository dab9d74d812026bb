package models_test

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// A schema file tells other programs, and peers, what the rows of a tree are.
func ExampleTree_Schema() {
	type Post struct {
		ID    uint64
		Title string `netabase:"was=Headline;default=untitled"`
	}
	posts := models.NewTree("post", models.Uint64, func(p *Post) uint64 { return p.ID },
		models.WithPolicy[Post](models.Open))
	models.NewIndex(posts, "title", models.String, func(p *Post) string { return p.Title })
	models.NewDefinition("blog", posts)

	if err := posts.Schema().Write(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {
	// 	"netabase": "schema",
	// 	"version": 1,
	// 	"tree": "blog.post",
	// 	"key": "uint64",
	// 	"codec": "dag-cbor",
	// 	"policy": "open",
	// 	"hash": "89c06161a6cfd6b5d949ee14f61b5f24e37a0b1a1ec0e72af3e228c43f9321cb",
	// 	"shape": {
	// 		"kind": "struct",
	// 		"fields": [
	// 			{
	// 				"name": "ID",
	// 				"type": {
	// 					"kind": "uint64"
	// 				}
	// 			},
	// 			{
	// 				"name": "Title",
	// 				"type": {
	// 					"kind": "string"
	// 				},
	// 				"default": "68756e7469746c6564"
	// 			}
	// 		]
	// 	},
	// 	"indexes": [
	// 		{
	// 			"name": "title",
	// 			"kind": "index",
	// 			"key": "string",
	// 			"partial": false
	// 		}
	// 	]
	// }
}

// TestSchema describes a tree with every kind of index, and reads the description back.
func TestSchema(t *testing.T) {
	type row struct {
		ID   string
		At   time.Time
		Tags []string
	}
	for policy, unique := range map[models.Policy]string{models.Local: "unique", models.Open: "claim"} {
		rows := models.NewTree("row", models.String, func(r *row) string { return r.ID }, models.WithPolicy[row](policy))
		models.NewIndex(rows, "at", models.Time, func(r *row) time.Time { return r.At },
			models.Where(func(r *row) bool { return !r.At.IsZero() }))
		models.NewUnique(rows, "both", models.PairOf(models.String, models.Time),
			func(r *row) models.Pair[string, time.Time] { return models.MakePair(r.ID, r.At) })
		models.NewBlind(rows, "day", models.Int, func(r *row) int { return r.At.Day() })
		models.NewBlindUnique(rows, "id", models.String, func(r *row) string { return r.ID })
		models.NewMulti(rows, "tag", models.String, func(r *row) []string { return r.Tags })
		models.NewDefinition("x", rows)
		want := shape.Schema{
			Tree: "x.row", Key: "string", Codec: "dag-cbor", Policy: policy.String(),
			Shape: shape.StructOf(
				shape.Field{Name: "ID", Type: shape.Of(shape.String)},
				shape.Field{Name: "At", Type: shape.Of(shape.Time)},
				shape.Field{Name: "Tags", Type: shape.ListOf(shape.Of(shape.String))},
			),
			Indexes: []shape.Index{
				{Name: "at", Kind: "index", Key: "time", Partial: true},
				{Name: "both", Kind: unique, Key: "pair(string,time)"},
				{Name: "day", Kind: "index", Key: "int64", Blind: true},
				{Name: "id", Kind: unique, Key: "string", Blind: true},
				{Name: "tag", Kind: "multi", Key: "string"},
			},
		}
		got := rows.Schema()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		var file bytes.Buffer
		if err := got.Write(&file); err != nil {
			t.Fatal(err)
		}
		read, err := shape.ReadSchema(&file)
		if err != nil {
			t.Fatal(err)
		}
		if relation, err := got.Compare(read); relation != shape.Same || err != nil {
			t.Errorf("what was read is %v, %v", relation, err)
		}
	}
}
