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
	// Petals of Blood <nil>
	// Salih: Season of Migration to the North
	// Achebe: Arrow of God
	// Achebe: Things Fall Apart
	// left: 2
	// empty: true
}
