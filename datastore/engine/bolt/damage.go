package bolt

import (
	"fmt"
	"runtime/debug"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// panicOnFault has the goroutine panic, where it would end the process, on
// reading a mapped page that is not there. It returns what recoverDamage needs
// to put that right:
//
//	defer recoverDamage(panicOnFault(), &err)
func panicOnFault() (before bool) { return debug.SetPanicOnFault(true) }

// recoverDamage makes an error of a panic of bbolt, which has no other way to
// tell of pages that make no sense.
func recoverDamage(before bool, err *error) {
	debug.SetPanicOnFault(before)
	if r := recover(); r != nil {
		*err = damage(r)
	}
}

func damage(what any) error { return fmt.Errorf("%w: %v", engine.ErrCorrupt, what) }
