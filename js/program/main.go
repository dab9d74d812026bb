//go:build js

// This program keeps the stores of a page for index.js, which starts it with the name of the function of
// globalThis that it is to call, once, with what it offers: an object with open, and end. Values are strings,
// Uint8Arrays and lists of these. All work is done in goroutines, since a callback must not wait, and
// comes back by promises.
package main

import (
	"fmt"
	"os"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "the one argument is the name of a function of globalThis")
		os.Exit(2)
	}
	ended := make(chan struct{}, 1)
	own := functions{}
	offer := js.ValueOf(map[string]any{
		// open opens a store, and gives an object with its functions.
		"open": own.promise(open),
		// functions tells how many functions JavaScript may call.
		"functions": own.add(func([]js.Value) any { return int(jsvalue.Funcs()) }),
		// end ends the program. Stores that are open are left as after a crash.
		"end": own.add(func([]js.Value) any {
			select {
			case ended <- struct{}{}:
			default:
			}
			return nil
		}),
	})
	js.Global().Get(os.Args[1]).Invoke(offer)
	<-ended
}
