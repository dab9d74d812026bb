package badger

import (
	"sync"

	"github.com/newsnet-africa/netabase-go/datastore/engine/badger/internal/values"
)

// horizon removes the files of values when no snapshot is left that can refer to them.
// One that it fails to remove is left to Compact.
type horizon struct {
	dir  *values.Dir
	mu   sync.Mutex
	now  uint64
	open map[uint64]int // how many snapshots are left of each time
	old  []oldFile
}

// oldFile is a file to which no row refers from a time on.
type oldFile struct{ number, since uint64 }

// enter is called before a snapshot is taken. Its result is for leave.
func (h *horizon) enter() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == nil {
		h.open = map[uint64]int{}
	}
	h.open[h.now]++
	return h.now
}

// leave is called when a snapshot has been given back.
func (h *horizon) leave(entered uint64) {
	h.mu.Lock()
	if h.open[entered]--; h.open[entered] == 0 {
		delete(h.open, entered)
	}
	numbers := h.free()
	h.mu.Unlock()
	h.remove(numbers)
}

// retire is given files to which no row refers in any snapshot that is taken from now
// on.
func (h *horizon) retire(numbers []uint64) {
	h.mu.Lock()
	for _, number := range numbers {
		h.old = append(h.old, oldFile{number, h.now})
	}
	h.now++
	numbers = h.free()
	h.mu.Unlock()
	h.remove(numbers)
}

func (h *horizon) remove(numbers []uint64) {
	for _, number := range numbers {
		_ = h.dir.Remove(number)
	}
}

// free takes out the files that were retired before all snapshots that are left.
func (h *horizon) free() (numbers []uint64) {
	if len(h.old) == 0 {
		return nil
	}
	oldest := h.now
	for entered := range h.open {
		oldest = min(oldest, entered)
	}
	n := 0
	for ; n < len(h.old) && h.old[n].since < oldest; n++ {
		numbers = append(numbers, h.old[n].number)
	}
	if h.old = h.old[n:]; len(h.old) == 0 {
		h.old = nil
	}
	return numbers
}

// retired returns the files that are still needed.
func (h *horizon) retired() map[uint64]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	numbers := map[uint64]bool{}
	for _, f := range h.old {
		numbers[f.number] = true
	}
	return numbers
}
