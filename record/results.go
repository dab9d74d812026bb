package record

import dsq "github.com/ipfs/go-datastore/query"

// found are the results of a query that has read them all. Go-datastore's own hand
// entries on one at a time, and copy them to give all.
type found struct {
	query   dsq.Query
	entries []dsq.Entry
	next    <-chan dsq.Result
}

var _ dsq.Results = (*found)(nil)

func (f *found) Query() dsq.Query { return f.query }

func (f *found) NextSync() (dsq.Result, bool) {
	if f.next != nil {
		result, ok := <-f.next
		return result, ok
	}
	if len(f.entries) == 0 {
		return dsq.Result{}, false
	}
	entry := f.entries[0]
	f.entries = f.entries[1:]
	return dsq.Result{Entry: entry}, true
}

// Next returns a channel that has the entries that are left.
func (f *found) Next() <-chan dsq.Result {
	if f.next == nil {
		next := make(chan dsq.Result, len(f.entries))
		for _, entry := range f.entries {
			next <- dsq.Result{Entry: entry}
		}
		close(next)
		f.next, f.entries = next, nil
	}
	return f.next
}

func (f *found) Rest() ([]dsq.Entry, error) {
	rest := f.entries
	f.entries = nil
	for f.next != nil {
		result, ok := <-f.next
		if !ok {
			break
		}
		rest = append(rest, result.Entry)
	}
	return rest, nil
}

func (f *found) Close() error { return nil }

// Done is closed: nothing goes on that would end.
func (f *found) Done() <-chan struct{} { return ended }

var ended = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()
