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
	// badger:
	//   Sow the beans
	//   Water the beans
	// bolt:
	//   Sow the beans
	//   Water the beans
	// memory:
	//   Sow the beans
	//   Water the beans
}
