package pause

import (
	"sync"
	"syscall/js"
	"time"
)

// atOnce is for how long a program runs before Point lets the browser run. Tasks of more than 50 ms make a
// page feel slow, and the collector of garbage can add 40 ms to one.
const atOnce = 8 * time.Millisecond

var (
	mu sync.Mutex
	// rested is when the browser has run last, as far as this package knows.
	rested time.Time
	// turn is closed when the browser has run, if somebody waits for that.
	turn chan struct{}
)

// port has the browser call back once it has run what waits before that. Timers would do, too, but a browser
// has those of hidden tabs wait for a second. And a sleep of Go may end before every goroutine is idle.
var port = sync.OnceValue(func() js.Value {
	channel := js.Global().Get("MessageChannel").New()
	channel.Get("port1").Set("onmessage", js.FuncOf(func(js.Value, []js.Value) any {
		mu.Lock()
		defer mu.Unlock()
		rested = time.Now()
		close(turn)
		turn = nil
		return nil
	}))
	return channel.Get("port2")
})

// Point lets the browser run if it has not for a while. It takes a microsecond otherwise. It must not be
// called in a callback from JavaScript.
func Point() {
	mu.Lock()
	if time.Since(rested) <= atOnce {
		mu.Unlock()
		return
	}
	if turn == nil {
		turn = make(chan struct{})
		port().Call("postMessage", js.Null())
	}
	wait := turn
	mu.Unlock()
	<-wait
}

// Rested says that the browser has just run.
func Rested() {
	mu.Lock()
	defer mu.Unlock()
	rested = time.Now()
}
