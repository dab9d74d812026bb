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
	// commits since the backup: 2
	// in the copy: {Kumasi Ghana 3490000}
	// in the copy: {Lagos Nigeria 15946000}
}
