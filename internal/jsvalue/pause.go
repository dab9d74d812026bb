//go:build js

package jsvalue

import "time"

// atOnce is for how long a program runs before Pause lets the browser run. A page whose tasks take more
// than 50 ms feels slow.
const atOnce = 16 * time.Millisecond

// rested is when the browser has run last, as far as this package knows.
var rested time.Time

// Pause lets the browser run, for some milliseconds, if it has not for a while. What takes long calls it
// again and again. It must not be called in a callback from JavaScript.
func Pause() {
	if time.Since(rested) > atOnce {
		time.Sleep(time.Nanosecond) // until every goroutine is idle
		Rested()
	}
}

// Rested says that the browser has just run.
func Rested() { rested = time.Now() }
