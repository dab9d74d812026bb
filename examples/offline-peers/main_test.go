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
	// Amina has ridge: 0 litres
	// Amina has school: 400 litres
	// Amina has market: 650 litres
	// Amina has ford: 1200 litres
	// Kofi has school: 400 litres
	// Kofi has market: 650 litres
	// Kofi has ford: 1200 litres
	// again: 0 in 1 round trip
}
