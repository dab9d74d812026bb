package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// errInterrupted is the cause of a context's end if the user or the system interrupted the
// command.
var errInterrupted = errors.New("interrupted")

// interrupter ends a command: by its context, and at the second call the whole process.
type interrupter struct {
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	asked  bool
	before func() // called before the process ends
}

// newInterrupter returns a context that ends when interrupt is called.
func newInterrupter(parent context.Context) (context.Context, *interrupter) {
	ctx, cancel := context.WithCancelCause(parent)
	return ctx, &interrupter{cancel: cancel}
}

// listen calls interrupt for the signals that ask a program to end, until stop is called.
func (i *interrupter) listen() (stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// Without this, a pipe without a reader would end the process and leave its directories
	// behind. So the write fails instead.
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		for range signals {
			i.interrupt()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}

// interrupt ends the context. If it has been called before, it ends the process.
func (i *interrupter) interrupt() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.asked {
		if i.before != nil {
			i.before()
		}
		os.Exit(exitInterrupted)
	}
	i.asked = true
	i.cancel(errInterrupted)
}

// beforeExit sets a function to call before a second interrupt ends the process. It resets the
// terminal.
func (i *interrupter) beforeExit(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.before = f
}
