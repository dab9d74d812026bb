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
	// shop.user zola@shop.example
	// forum.user zola@forum.example
	// forum: true
	// shop: 1
}
