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
	// Kwame Mensah, born in 1957: allergic to penicillin
	// "Kwame Mensah" is in the files: false
	// "penicillin" is in the files: false
	// open store: the store is encrypted and no key was given
	// another key: refused
	// Kwame Mensah, born in 1957: allergic to penicillin
	// born since 2000: 160
}
