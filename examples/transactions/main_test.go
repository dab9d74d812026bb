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
	// in the snapshot: 20 20
	// after an error: true 21 <nil>
	// too late: true
}
