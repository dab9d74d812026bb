package main

import (
	"context"
	"fmt"
	"os"
)

// The program's main, in a directory of its own.
func Example() {
	dir, err := os.MkdirTemp("", "netabase-basic-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for range 2 { // the second run opens what the first has left
		if err := run(context.Background(), dir); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// alice wrote "Hello"
	// alice wrote "Hello again"
	// alice wrote "Hello"
	// alice wrote "Hello again"
}
