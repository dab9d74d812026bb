// Package damage turns panics into errors: database libraries panic over files that
// are damaged.
package damage

import (
	"fmt"
	"runtime/debug"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Guard has the goroutine panic when it reads a mapped page that is not there, which
// would end the process otherwise. It returns the setting before, which Recover puts
// back:
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
