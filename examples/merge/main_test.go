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
	// ann: "Lobby", 2 visits, tags [go news]
	// bob: "", 3 visits, tags [go maps]
	// they meet
	// ann: "Lobby", 5 visits, tags [go maps news]
	// bob: "Lobby", 5 visits, tags [go maps news]
	// they meet again
	// ann: "The lobby", 6 visits, tags [go maps]
	// bob: "The lobby", 6 visits, tags [go maps]
}
