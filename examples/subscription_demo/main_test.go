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
	// All tasks:
	//   there is {1 plan done}
	//   there is {2 build done}
	//   there is {3 test open}
	//   these were all
	//   gone is {1 plan done}
	// Open tasks:
	//   2: open before true, after false; last of its transaction false
	//   3: open before false, after true; last of its transaction true
}
