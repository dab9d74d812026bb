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
	// from boat, before dog: boat cat cow
	// after boat, to dog: cat cow dog
	// starting with bee: bee beetle
	// the last two: door donkey
	// the third and fourth: beetle boat
	// the last before d: cow
	// page 1: bee cat cow
	// page 2: dog bean boat
	// page 3: door
}
