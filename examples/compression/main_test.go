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
	// /articles/274/comments?page=5
	// /articles/274/comments?page=5
	// less than two fifths of the space: true
}
