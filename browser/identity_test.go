//go:build js

package browser_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/browser"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// childVariable has the name of the identity, in a program that a test has started in a worker.
const childVariable = "NETABASE_TEST_CHILD"

// One tab or worker at a time has an identity.
func TestIdentity(t *testing.T) {
	name := unique("identity")
	key, release, err := browser.Identity(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := browser.Identity(t.Context(), name); !errors.Is(err, browser.ErrInUse) {
		t.Errorf("the identity is in use: %v", err)
	}
	other, releaseOther, err := browser.Identity(t.Context(), name+"2")
	if err != nil {
		t.Fatal(err)
	}
	releaseOther()
	if key.Equals(other) {
		t.Error("two names have one key")
	}
	release()
	again, release, err := browser.Identity(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if !key.Equals(again) {
		t.Error("a name has two keys")
	}
}

// A page that is loaded again has the identity and the rows that it had before. Here it is a worker, which is
// ended like a page and started again.
func TestReload(t *testing.T) {
	name := unique("reload")
	first, end := child(t, name)
	if _, _, err := browser.Identity(t.Context(), name); !errors.Is(err, browser.ErrInUse) {
		t.Errorf("the identity is in use: %v", err)
	}
	end()
	second, end := child(t, name)
	end()
	id, rows, _ := strings.Cut(first, " ")
	idAgain, rowsAgain, _ := strings.Cut(second, " ")
	if id == "" || id != idAgain {
		t.Errorf("the peer was %s and is %s", id, idAgain)
	}
	if rows != "0" || rowsAgain != "1" {
		t.Errorf("there were %s rows and then %s", rows, rowsAgain)
	}
}

// TestChild is what TestReload starts. It tells its identity and how many rows it has found, adds a row, and goes on
// until it is ended.
func TestChild(t *testing.T) {
	name := os.Getenv(childVariable)
	if name == "" {
		t.Skip("TestReload runs it")
	}
	key, _, err := browser.Identity(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	records := openPad(t, name)
	found := len(texts(t, records, "child"))
	note := Note{ID: unique("note"), Author: "child", Text: "kept", Version: 1}
	if err := Notes.Put(t.Context(), records.Store(), &note); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("child: %s %d.\n", id, found)
	time.Sleep(time.Hour)
}

// child runs TestChild in a worker, returns what it tells, and a function that ends it.
func child(t *testing.T, name string) (told string, end func()) {
	t.Helper()
	worker := js.Global().Get("Worker").New("start.js")
	messages := make(chan string, 100)
	hear := jsvalue.FuncOf(func(_ js.Value, args []js.Value) any {
		select {
		case messages <- js.Global().Get("JSON").Call("stringify", args[0].Get("data")).String():
		default: // nobody has asked for so much
		}
		return nil
	})
	worker.Set("onmessage", hear.Value)
	worker.Call("postMessage", map[string]any{
		"args": []any{"-test.run=^TestChild$", "-test.v"},
		"env":  map[string]any{childVariable: name, peersVariable: os.Getenv(peersVariable)},
	})
	end = func() {
		worker.Call("terminate")
		worker.Set("onmessage", js.Null())
		hear.Release()
	}
	var all strings.Builder
	for timeout := time.After(20 * time.Second); ; {
		select {
		case message := <-messages:
			all.WriteString(message)
			if _, line, ok := strings.Cut(all.String(), "child: "); ok {
				if line, _, ok := strings.Cut(line, "."); ok {
					return line, end
				}
			}
		case <-timeout:
			end()
			t.Fatalf("the worker tells nothing but %s", all.String())
		}
	}
}
