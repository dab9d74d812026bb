package badger

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestGroup checks that those who wait during a flush share the next one, and
// that nobody is taken for durable by a flush that began before he asked.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flushing, finish := make(chan struct{}), make(chan error)
		g := newGroup(func() error {
			flushing <- struct{}{}
			return <-finish
		})
		var durable atomic.Int32
		wait := func() {
			if err := g.wait(); err != nil {
				t.Error(err)
			}
			durable.Add(1)
		}
		go wait()
		<-flushing
		for range 10 {
			go wait()
		}
		synctest.Wait()
		if n := durable.Load(); n != 0 {
			t.Fatalf("%d are durable before the first flush has ended", n)
		}
		finish <- nil
		<-flushing
		synctest.Wait()
		if n := durable.Load(); n != 1 {
			t.Fatalf("%d are durable after the first flush, want 1", n)
		}
		finish <- nil
		synctest.Wait()
		if n := durable.Load(); n != 11 {
			t.Fatalf("%d are durable after the second flush, want 11", n)
		}
	})
}

func TestGroupFailure(t *testing.T) {
	failure, flushes := errors.New("the disk is gone"), 0
	g := newGroup(func() error {
		flushes++
		if flushes == 2 {
			return failure
		}
		return nil
	})
	if err := g.wait(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := g.wait(); err != failure {
			t.Errorf("got error %v, want %v", err, failure)
		}
	}
	if flushes != 2 {
		t.Errorf("%d flushes, none may follow one that failed", flushes)
	}
}
