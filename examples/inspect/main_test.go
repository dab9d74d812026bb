package main

import (
	"context"
	"fmt"
)

func Example() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// album.photo by string, dag-cbor: 2 rows
	//   field Name: string
	//   field Tags: list(string)
	//   field Taken: int64
	//   field Thumb: bytes
	//   multi tag by string: 3 entries
	//   index taken by int64: 2 entries
	//   beach {"Name":"beach","Tags":["sea","sun"],"Taken":1710000000,"Thumb":{"/":{"bytes":"/9g"}}}
	//   hills {"Name":"hills","Tags":["sun"],"Taken":1720000000,"Thumb":{"/":{"bytes":""}}}
	// netabase.plain by string, plain: 0 rows
}
