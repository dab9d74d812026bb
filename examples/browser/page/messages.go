//go:build js

package main

import (
	"encoding/json"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/examples/browser/board"
)

// request is what a tab wants. One of its fields is set.
type request struct {
	Put    *board.Note `json:"put"`
	Remove string      `json:"remove"`
	Online *bool       `json:"online"`
}

// news is what the tabs are told. One of its fields is set.
type news struct {
	Notes  []*board.Note `json:"notes,omitzero"`
	Status *status       `json:"status,omitempty"`
	Error  string        `json:"error,omitempty"`
}

type status struct {
	// Online says that the program is to be in touch with other peers.
	Online bool `json:"online"`
	// Peers is how many it is connected to.
	Peers int `json:"peers"`
}

// tell tells all tabs.
func tell(n news) {
	text, err := json.Marshal(n)
	if err != nil {
		panic(err) // its types have no values that JSON lacks
	}
	js.Global().Call("tell", string(text))
}

// listen returns what the tabs send, in order. A callback must not block, so there is a limit to what
// waits: a user who does so much at once is told.
func listen() <-chan string {
	messages := make(chan string, 1024)
	take := func(text js.Value) {
		select {
		case messages <- text.String():
		default:
			tell(news{Error: "Too much at once: the last change was not made."})
		}
	}
	js.Global().Set("take", js.FuncOf(func(_ js.Value, args []js.Value) any {
		take(args[0])
		return nil
	}))
	waiting := js.Global().Call("takeWaiting")
	for i := range waiting.Length() {
		take(waiting.Index(i))
	}
	return messages
}
