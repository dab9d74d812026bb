// Package enginetest has the contract of package engine as tests, which every engine must pass.
// An engine's own tests call [Run]. If the engine keeps files, they also call [RunConfig]:
//
//	func TestEngine(t *testing.T) {
//		enginetest.Run(t, func(t *testing.T) engine.Engine {
//			return bolt.Engine(bolt.Options{Config: engine.Config{Path: t.TempDir()}})
//		})
//	}
//
// Every test ends with the same check. The database finds no fault with its files. It reads the
// same forwards, backwards, by keys alone and key by key, and reads the same after it was
// closed and opened again. It leaves no goroutine behind.
//
// The tests write a few tens of MiB and take seconds; -short takes less.
package enginetest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Run tests the engines that create returns. Each must be a new one without data.
func Run(t *testing.T, create func(t *testing.T) engine.Engine) {
	for _, tests := range [][]test{
		basicTests, cursorTests, scanTests, renewTests, isolationTests,
		lifecycleTests, limitTests, checkTests, modelTests,
	} {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) { test.run(open(t, create(t))) })
		}
	}
}

type test struct {
	name string
	run  func(s *store)
}

// store is an open database under test.
type store struct {
	*testing.T
	eng  engine.Engine
	db   engine.DB
	ctx  context.Context
	txns []engine.ReadTxn // all transactions, open or not
}

// browserEvents is the goroutine in which the runtime of Go handles the events of a browser. It stays.
var browserEvents = goleak.IgnoreAnyFunction("runtime.handleEvent")

// open opens eng. At the end of the test it runs the check of the package comment.
func open(t *testing.T, eng engine.Engine) *store {
	t.Helper()
	before := goleak.IgnoreCurrent()
	s := &store{T: t, eng: eng, ctx: context.Background()}
	s.open()
	t.Cleanup(func() {
		if t.Failed() {
			s.abandon()
			return
		}
		content := s.checkConsistent()
		s.reopen()
		if again := s.checkConsistent(); !equalRows(content, again) {
			t.Errorf("%d rows before the database was opened again, %d others after", len(content), len(again))
		}
		s.close()
		goleak.VerifyNone(t, before, browserEvents)
	})
	return s
}

func (s *store) open() {
	s.Helper()
	db, err := s.eng.Open(s.ctx)
	s.must(err)
	s.db = db
}

func (s *store) close() {
	s.Helper()
	s.must(s.db.Close())
}

// abandon closes the database of a failed test as far as it can. If the test left transactions
// open, Close would wait for ever.
func (s *store) abandon() {
	for _, txn := range s.txns {
		txn.Discard()
	}
	closed := make(chan error, 1)
	go func() { closed <- s.db.Close() }()
	select {
	case <-closed:
	case <-time.After(time.Second):
		s.Log("the database does not close after the failure")
	}
}

func (s *store) reopen() {
	s.Helper()
	s.close()
	s.open()
}

func (s *store) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// want fails the test unless got matches want.
func (s *store) want(want, got error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Fatalf("got error %v, want %v", got, want)
	}
}

func (s *store) view() engine.ReadTxn {
	s.Helper()
	txn, err := s.db.View(s.ctx)
	s.must(err)
	s.txns = append(s.txns, txn)
	return txn
}

func (s *store) update() engine.WriteTxn {
	s.Helper()
	txn, err := s.db.Update(s.ctx)
	s.must(err)
	s.txns = append(s.txns, txn)
	return txn
}

// commit runs fn in one durable transaction.
func (s *store) commit(fn func(txn engine.WriteTxn)) {
	s.Helper()
	txn := s.update()
	defer txn.Discard()
	fn(txn)
	s.must(txn.Commit(s.ctx, engine.Durable))
}

// put commits the pairs of keys and values.
func (s *store) put(pairs ...string) {
	s.Helper()
	s.commit(func(txn engine.WriteTxn) {
		for i := 0; i < len(pairs); i += 2 {
			s.must(txn.Put([]byte(pairs[i]), []byte(pairs[i+1])))
		}
	})
}

// wantValue checks the value of key in txn.
func (s *store) wantValue(txn engine.ReadTxn, key, value string) {
	s.Helper()
	got, err := txn.Get([]byte(key))
	s.must(err)
	if string(got) != value {
		s.Fatalf("%q holds %.40q, want %.40q", key, got, value)
	}
}

// wantAbsent checks that txn has no key.
func (s *store) wantAbsent(txn engine.ReadTxn, key string) {
	s.Helper()
	value, err := txn.Get([]byte(key))
	if !errors.Is(err, engine.ErrNotFound) {
		s.Fatalf("%q holds %.40q, error %v; want %v", key, value, err, engine.ErrNotFound)
	}
}

// row is a key and its value.
type row struct{ key, value string }

func equalRows(a, b []row) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// rows reads all of a range, without values if r is KeysOnly. A cursor and scans must read the
// same rows.
func (s *store) rows(txn engine.ReadTxn, r engine.Range) []row {
	s.Helper()
	c := txn.Cursor(r)
	defer c.Close()
	rows := s.drain(c, r.KeysOnly)
	s.must(c.Err())
	s.checkScans(txn, r, rows)
	return rows
}

func (s *store) drain(c engine.Cursor, keysOnly bool) []row {
	s.Helper()
	var rows []row
	for c.Next() {
		next := row{key: string(c.Key())}
		if !keysOnly {
			value, err := c.Value()
			s.must(err)
			next.value = string(value)
		}
		rows = append(rows, next)
	}
	return rows
}

// checkConsistent reads the whole database in every way, and has it check its files.
func (s *store) checkConsistent() []row {
	s.Helper()
	if verifier, ok := s.db.(engine.Verifier); ok {
		s.must(verifier.Verify(s.ctx))
	}
	txn := s.view()
	defer txn.Discard()
	rows := s.rows(txn, engine.Range{})
	backwards := s.rows(txn, engine.Range{Reverse: true})
	keys := s.rows(txn, engine.Range{KeysOnly: true})
	if len(backwards) != len(rows) || len(keys) != len(rows) {
		s.Fatalf("%d rows forwards, %d backwards, %d keys", len(rows), len(backwards), len(keys))
	}
	for i, row := range rows {
		if i > 0 && rows[i-1].key >= row.key {
			s.Fatalf("key %q comes before %q", rows[i-1].key, row.key)
		}
		if backwards[len(rows)-1-i] != row {
			s.Fatalf("row %q differs backwards", row.key)
		}
		if keys[i].key != row.key {
			s.Fatalf("key %q is %q by keys alone", row.key, keys[i].key)
		}
		value, err := txn.Get([]byte(row.key))
		s.must(err)
		if string(value) != row.value {
			s.Fatalf("Get of %q differs from the cursor's value", row.key)
		}
	}
	return rows
}

// clone copies borrowed bytes, so that they can be given back to the engine.
func clone(b []byte) []byte { return bytes.Clone(b) }

// quickly bounds operations that must not take long. It is generous: tests fail by it only if
// they would hang.
const quickly = 30 * time.Second

// eventually returns once done reports true.
func (s *store) eventually(what string, done func() bool) {
	s.Helper()
	deadline := time.Now().Add(quickly)
	for !done() {
		if time.Now().After(deadline) {
			s.Fatalf("still waiting for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// within returns the next value from ch.
func within[T any](s *store, what string, ch <-chan T) T {
	s.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(quickly):
		s.Fatalf("still waiting for %s", what)
		panic("unreachable")
	}
}

// asked returns the number in the environment variable name, or usual.
func asked(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// scaled returns n, or less for a short test run.
func scaled(n int) int {
	if testing.Short() {
		return max(1, n/10)
	}
	return n
}
