//go:build netabase_debug

package borrow

import "sync/atomic"

// Loan is the time for which memory is lent.
type Loan struct{ ended *atomic.Bool }

// Begin begins a loan.
func Begin() Loan { return Loan{new(atomic.Bool)} }

// check panics after the end of the loan: the memory may have been given back
// to the engine, or to the operating system.
func (l Loan) check() {
	if l.ended != nil && l.ended.Load() {
		panic("netabase: borrowed memory is used after the function it was lent to has returned; " +
			"Clone what is to be kept")
	}
}

func (l Loan) end() { l.ended.Store(true) }
