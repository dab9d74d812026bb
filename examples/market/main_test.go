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
	// peers that took the offer: 1
	// arrived: lamp 20
	// found by title: 1
	// the buyer's price is refused: true
	// taken back: true
	// a4e2fe86… is a cat
}
