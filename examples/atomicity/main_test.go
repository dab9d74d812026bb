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
	// 30: <nil>
	// 500: modify bank.account ama: not enough money
	// to nobody: modify bank.account abena: not found
	// again: insert bank.transfer 1: already exists
	// ama 70
	// kofi 50
	// transfers: 1
}
