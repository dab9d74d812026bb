package badger

import (
	"fmt"
	"reflect"

	"github.com/dgraph-io/badger/v4"
)

// Badger starts its compactors on opening, or never if its options ask for none, and has
// no call to start them later. Here they are started all the same. Badger stops them
// when Flatten is called, and when it returns, starts as many as the options say by then:
// the options are changed, and Flatten is left at its first message, before it does
// anything.

// optionsField is where an open database has its options.
const optionsField = "opt"

// canStartCompactors reports whether Badger is one of which that is known.
func canStartCompactors() bool {
	field, ok := reflect.TypeFor[badger.DB]().FieldByName(optionsField)
	return ok && field.Type == reflect.TypeFor[badger.Options]()
}

// startCompactors starts n compactors in a database that has none. It must not be called
// while a memtable is written out, which reads the options.
func startCompactors(b *badger.DB, n int, w watcher) (err error) {
	options := reflect.ValueOf(b).Elem().FieldByName(optionsField)
	(*badger.Options)(options.Addr().UnsafePointer()).NumCompactors = n
	defer func() {
		w.leave.Store(false)
		if r := recover(); r != nil && r != leftFlatten {
			err = fmt.Errorf("start compactions: %v", r)
		}
	}()
	w.leave.Store(true)
	return b.Flatten(1)
}

// leftFlatten is what Flatten panics with then.
var leftFlatten any = new(byte)
