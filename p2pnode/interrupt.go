package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// errInterrupted is why a command's context has ended when the user, or the
// system, asked for it.
var errInterrupted = errors.New("interrupted")

// interrupter ends a command: politely, and if asked again at once.
type interrupter struct {
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	asked  bool
	before func() // called before the process is ended
}

// newInterrupter returns a context that ends when the interrupter is used.
func newInterrupter(parent context.Context) (context.Context, *interrupter) {
	ctx, cancel := context.WithCancelCause(parent)
	return ctx, &interrupter{cancel: cancel}
}

// listen has signals that ask a program to end interrupt it, until stop is
// called.
func (i *interrupter) listen() (stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// A pipe whose reader has gone would otherwise end the process, with its
	// directories left behind: the write fails instead.
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

// interrupt does what such a signal does: it ends the context, or the process if
// that has been asked for before.
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

// beforeExit has f called before an impatient user ends the process: to give a
// terminal back.
func (i *interrupter) beforeExit(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.before = f
}
