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
	// by Fela Kuti:
	//   Water No Get Enemy, 1975
	//   Lady, 1972
	//   Zombie, 1976
	// jazz:
	//   Water No Get Enemy, 1975
	//   Pata Pata, 1967
	// by Fela Kuti, from 1975 on:
	//   Water No Get Enemy, 1975
	//   Zombie, 1976
	// by Fela Kuti, the newest:
	//   Zombie, 1976
	// B1 is Pata Pata
	// B1 again: true
	// jazz that is left: 1
}
