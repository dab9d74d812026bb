//go:build js

package indexeddb

import (
	"sync"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// channel tells the other tabs that have a database open what this one does, and hears of them.
type channel struct {
	value     js.Value
	onMessage jsvalue.Func
	done      chan struct{}
	// commits and wants have room for one each: more of a kind say the same.
	commits, wants chan struct{}
	running        sync.WaitGroup
}

// listen opens a BroadcastChannel.
func listen(name string) (c *channel, err error) {
	defer journal.Caught(&err)
	c = &channel{
		value: global.Get("BroadcastChannel").New(name), done: make(chan struct{}),
		commits: make(chan struct{}, 1), wants: make(chan struct{}, 1),
	}
	c.onMessage = jsvalue.FuncOf(func(_ js.Value, args []js.Value) any {
		to := c.commits
		if args[0].Get("data").Truthy() {
			to = c.wants
		}
		select {
		case to <- struct{}{}:
		default:
		}
		return nil
	})
	c.value.Set("onmessage", c.onMessage.Value)
	return c, nil
}

// start calls hear when another tab has committed or wants to write, also for what was heard before.
func (c *channel) start(hear func(wants bool)) {
	c.running.Go(func() {
		for {
			select {
			case <-c.commits:
				hear(false)
			case <-c.wants:
				hear(true)
			case <-c.done:
				return
			}
		}
	})
}

// send tells the others that this tab wants to write, or has committed.
func (c *channel) send(wants bool) { c.value.Call("postMessage", wants) }

func (c *channel) close() {
	c.value.Set("onmessage", js.Null())
	c.value.Call("close")
	close(c.done)
	c.running.Wait()
	c.onMessage.Release()
}
