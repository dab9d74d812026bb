// Package damage makes errors of the panics with which database libraries
// answer to files that make no sense.
package damage

import (
	"fmt"
	"runtime/debug"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Guard has the goroutine panic, where it would end the process, on reading a
// mapped page that is not there. It returns what Recover needs to put that
// right:
//
//	defer damage.Recover(damage.Guard(), &err)
func Guard() (before bool) { return debug.SetPanicOnFault(true) }

// Recover stores a panic in err, as an error that matches engine.ErrCorrupt.
// It must be deferred itself.
func Recover(before bool, err *error) {
	debug.SetPanicOnFault(before)
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", engine.ErrCorrupt, r)
	}
}
