//go:build js

package main

import (
	"context"
	"fmt"
	"syscall/js"

	dsq "github.com/ipfs/go-datastore/query"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/models"
)

// A page of a query has at most so many entries, and ends behind so many bytes of values.
const (
	pageEntries = 256
	pageBytes   = 1 << 20
)

// query is a query on its way.
type query struct {
	keysOnly bool
	// prefixes are those in Go that are still to be read, and results are of the one before them.
	prefixes []string
	results  dsq.Results
}

func (q *query) close() error {
	if q.results == nil {
		return nil
	}
	return q.results.Close()
}

// query begins a query, and gives its number: prefix, whether only keys are asked for. The prefix may leave
// out less than all that does not begin with it.
func (s *store) query(a *arguments) (any, error) {
	prefix, keysOnly := a.text(), a.flag()
	if a.err != nil {
		return nil, a.err
	}
	s.last++
	s.queries[s.last] = &query{keysOnly: keysOnly, prefixes: s.keys.Prefixes(prefix)}
	return s.last, nil
}

// end ends a query before its last page: its number.
func (s *store) end(a *arguments) (any, error) {
	number := a.number()
	if a.err != nil {
		return nil, a.err
	}
	return nil, s.endQuery(number)
}

func (s *store) endQuery(number int) error {
	q := s.queries[number]
	delete(s.queries, number)
	if q == nil {
		return nil
	}
	return q.close()
}

// next gives the next page of a query: a list of keys, each with its value behind it, or undefined. An
// empty page is the last one, and ends the query.
func (s *store) next(a *arguments) (any, error) {
	number := a.number()
	if a.err != nil {
		return nil, a.err
	}
	q := s.queries[number]
	if q == nil {
		return nil, fmt.Errorf("%w: there is no such query", models.ErrClosed)
	}
	var page []any
	for size := 0; len(page) < 2*pageEntries && size < pageBytes; {
		e, ok, err := q.entry(s)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		name, kind, ok := s.keys.Name(e.Key)
		if !ok {
			continue
		}
		v := js.Undefined()
		if !q.keysOnly {
			b, err := kind.ToJS(e.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			size += len(b)
			v = jsvalue.FromBytes(b)
		}
		page = append(page, name, v)
	}
	if len(page) == 0 {
		if err := s.endQuery(number); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// entry returns the next entry, and false behind the last one.
func (q *query) entry(s *store) (dsq.Entry, bool, error) {
	for {
		if q.results != nil {
			result, ok := q.results.NextSync()
			if ok {
				return result.Entry, true, result.Error
			}
			err := q.results.Close()
			q.results = nil
			if err != nil {
				return dsq.Entry{}, false, err
			}
		}
		if len(q.prefixes) == 0 {
			return dsq.Entry{}, false, nil
		}
		results, err := s.records.Query(context.Background(), dsq.Query{Prefix: q.prefixes[0], KeysOnly: q.keysOnly})
		if err != nil {
			return dsq.Entry{}, false, err
		}
		q.prefixes, q.results = q.prefixes[1:], results
	}
}
