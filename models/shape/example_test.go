package shape_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// A shape is what a store keeps of a model.
func Example() {
	town := shape.Field{Name: "Town", Type: shape.Of(shape.String)}
	user := shape.StructOf(
		shape.Field{Name: "ID", Type: shape.Of(shape.Uint64)},
		shape.Field{Name: "Homes", Type: shape.ListOf(shape.StructOf(town))},
	)
	fmt.Println(user)

	parsed, err := shape.Parse(user.Append(nil))
	if err != nil {
		panic(err)
	}
	fmt.Println(parsed.Hash() == user.Hash())
	// Output:
	// struct{ID uint64, Homes list(struct{Town string})}
	// true
}

func ExampleCompare() {
	id := shape.Field{Name: "ID", Type: shape.Of(shape.Uint32)}
	name := shape.Field{Name: "Name", Type: shape.Of(shape.String)}
	first := shape.StructOf(id, name)

	id.Type = shape.Of(shape.Int64)                // every uint32 is an int64
	name.Name, name.Was = "Nick", []string{"Name"} // a declared rename
	second := shape.StructOf(id, name, shape.Field{Name: "Age", Type: shape.OptionalOf(shape.Of(shape.Uint8))})
	fmt.Println(shape.Compare(first, second))
	fmt.Println(shape.Compare(second, first))

	id.Type = shape.Of(shape.String)
	fmt.Println(shape.Compare(first, shape.StructOf(id)))
	// Output:
	// newer
	// older
	// diverged
}

// Another program, or another peer, reads what a schema file says of a tree.
func ExampleReadSchema() {
	schema := shape.Schema{
		Tree: "blog.user", Key: "uint64", Codec: "dag-cbor", Policy: "open",
		Shape:   shape.StructOf(shape.Field{Name: "ID", Type: shape.Of(shape.Uint64)}),
		Indexes: []shape.Index{},
	}
	if err := schema.Write(os.Stdout); err != nil {
		panic(err)
	}

	_, err := shape.ReadSchema(strings.NewReader(`{"netabase": "schema", "version": 1, "tree": "blog.user", "colour": "red"}`))
	fmt.Println(err)
	// Output:
	// {
	// 	"netabase": "schema",
	// 	"version": 1,
	// 	"tree": "blog.user",
	// 	"key": "uint64",
	// 	"codec": "dag-cbor",
	// 	"policy": "open",
	// 	"hash": "d6f70e857e7fc84b04796a1e7ce4a972703b58c5d645d12e08dcc113e93f6c4f",
	// 	"shape": {
	// 		"kind": "struct",
	// 		"fields": [
	// 			{
	// 				"name": "ID",
	// 				"type": {
	// 					"kind": "uint64"
	// 				}
	// 			}
	// 		]
	// 	},
	// 	"indexes": []
	// }
	// invalid data: schema: line 1: the member "colour" is unknown
}
