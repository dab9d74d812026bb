package datastore

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/newsnet-africa/netabase-go/models"
)

// updaters are the goroutines that run a function of Update. A write to the
// store itself from one of them would wait for its own transaction where an
// engine has one writer, and miss what that has written where there are more.
type updaters struct {
	count      atomic.Int32
	goroutines sync.Map // of goroutine numbers to nothing
}

// enter notes that the caller begins to run an update, or returns ErrNested. The
// function it returns ends that.
func (u *updaters) enter() (leave func(), err error) {
	id := goroutine()
	if _, nested := u.goroutines.LoadOrStore(id, nil); nested && id != 0 {
		return nil, models.ErrNested
	}
	u.count.Add(1)
	return func() {
		u.count.Add(-1)
		u.goroutines.Delete(id)
	}, nil
}

// check returns ErrNested if the caller is running an update.
func (u *updaters) check() error {
	if u.count.Load() == 0 {
		return nil
	}
	if id := goroutine(); id != 0 {
		if _, nested := u.goroutines.Load(id); nested {
			return models.ErrNested
		}
	}
	return nil
}

// goroutine returns the number of the calling goroutine, as the first line of
// its stack trace has it, or 0. It takes about a microsecond.
func goroutine() uint64 {
	var buf [64]byte
	trace := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	digits, _, _ := bytes.Cut(trace, []byte(" "))
	id, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0
	}
	return id
}
