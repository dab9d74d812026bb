package dynamic_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// postSchema is a schema file, with the hash of its shape.
const postSchema = `{
	"netabase": "schema", "version": 1, "tree": "blog.post", "key": "uint64", "codec": "dag-cbor", "policy": "local",
	"hash": "%x",
	"shape": {"kind": "struct", "fields": [
		{"name": "ID", "type": {"kind": "uint64"}},
		{"name": "Tags", "type": {"kind": "list", "elem": {"kind": "string"}}},
		{"name": "Title", "type": {"kind": "string"}},
		{"name": "Votes", "type": {"kind": "int32"}, "default": "01"}
	]},
	"keyFields": ["ID"],
	"indexes": [{"name": "tag", "kind": "multi", "key": "string", "partial": false, "fields": ["Tags"]}]
}`

func Example() {
	ctx := context.Background()
	file := fmt.Sprintf(postSchema, shape.StructOf(
		shape.Field{Name: "ID", Type: shape.Of(shape.Uint64)},
		shape.Field{Name: "Tags", Type: shape.ListOf(shape.Of(shape.String))},
		shape.Field{Name: "Title", Type: shape.Of(shape.String)},
		shape.Field{Name: "Votes", Type: shape.Of(shape.Int32)},
	).Hash())
	schema, err := shape.ReadSchema(strings.NewReader(file))
	if err != nil {
		log.Fatal(err)
	}
	definitions, err := dynamic.Definitions([]shape.Schema{schema})
	if err != nil {
		log.Fatal(err)
	}
	store, err := datastore.Open(ctx, memory.Engine(), definitions[0].Definition)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	posts := definitions[0].Trees()[0]
	for _, text := range []string{
		`{"ID": 1, "Title": "Hello", "Tags": ["go", "news"]}`,
		`{"ID": 2, "Title": "Again", "Tags": ["go"], "Votes": -3}`,
	} {
		post, err := posts.ParseJSON([]byte(text))
		if err != nil {
			log.Fatal(err)
		}
		if err := posts.Put(ctx, store, &post); err != nil {
			log.Fatal(err)
		}
	}

	tags, _ := posts.Index("tag")
	liked, err := posts.Condition("Votes > 0")
	if err != nil {
		log.Fatal(err)
	}
	for post, err := range models.Filter(tags.Find(ctx, store, "go"), liked) {
		if err != nil {
			log.Fatal(err)
		}
		text, err := post.AppendJSON(nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(text))
	}
	_, err = posts.ParseJSON([]byte(`{"ID": 3, "Titel": "Oops"}`))
	fmt.Println(err)

	// Output:
	// {"ID":1,"Tags":["go","news"],"Title":"Hello","Votes":1}
	// parse blog.post: invalid data: Titel: the model has no such field; did you mean Title?
}
