//go:build js

package indexeddb

import (
	"sync"
	"sync/atomic"
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
	// others says that another tab has been heard. Commits are told only then, since a message takes a browser
	// about as long as it takes to begin a commit.
	others  atomic.Bool
	running sync.WaitGroup
}

// The messages. Tabs answer hello with news, and so they do the first message that they hear, so that each
// knows of the other and reads what it has committed before.
const (
	hello = iota
	news
	wants
)

// listen opens a BroadcastChannel, and says hello to the other tabs.
func listen(name string) (c *channel, err error) {
	defer journal.Caught(&err)
	c = &channel{
		value: global.Get("BroadcastChannel").New(name), done: make(chan struct{}),
		commits: make(chan struct{}, 1), wants: make(chan struct{}, 1),
	}
	c.onMessage = jsvalue.FuncOf(func(_ js.Value, args []js.Value) any {
		if data := args[0].Get("data"); data.Type() == js.TypeNumber {
			c.hear(data.Int())
		}
		return nil
	})
	c.value.Set("onmessage", c.onMessage.Value)
	c.send(hello)
	return c, nil
}

// hear takes a message. It is called by the browser.
func (c *channel) hear(message int) {
	if known := c.others.Swap(true); !known || message == hello {
		c.send(news)
	}
	to := c.commits
	switch message {
	case hello:
		return
	case wants:
		to = c.wants
	}
	select {
	case to <- struct{}{}:
	default:
	}
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

// committed tells the other tabs, if there are any, that this one has committed.
func (c *channel) committed() {
	if c.others.Load() {
		c.send(news)
	}
}

func (c *channel) send(message int) { c.value.Call("postMessage", message) }

func (c *channel) close() {
	c.value.Set("onmessage", js.Null())
	c.value.Call("close")
	close(c.done)
	c.running.Wait()
	c.onMessage.Release()
}
