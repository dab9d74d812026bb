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
	// bolt: colour is green
	// read only: true
	// mistyped: true
	// open store: bolt: invalid configuration: Path is empty: name the directory of the database
	// CacheMB is -1: it must not be negative
	// bolt: shape is round
}
