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
	// 8 -40 0.25
	// 7 1.5 -2
	// bytes in a value: 16
	// put map.point 1: invalid data: a point is a number
}
