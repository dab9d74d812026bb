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
	// the best is ada
	// changes: 15
	// the slow loop got 3 changes: watch game.score: the watch has not kept up; the last commit that it has given is 1
}
