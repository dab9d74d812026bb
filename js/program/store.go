//go:build js

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall/js"
	"time"

	ds "github.com/ipfs/go-datastore"
	gorecord "github.com/libp2p/go-libp2p-record"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/js/internal/kad"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/record"
)

// cacheBytes bounds the memory for provider records: a page has few.
const cacheBytes = 8 << 20

// store is an open store.
type store struct {
	records   *record.Records
	keys      kad.Keys
	trees     map[string]*dynamic.Tree
	validator gorecord.NamespacedValidator
	queries   map[int]*query
	last      int // number of the last query
	functions functions
}

// open opens a store: name of the database, datastorePrefix of the DHT, schema files as text, and whether
// writes are relaxed.
func open(a *arguments) (any, error) {
	name, prefix, schemas, relaxed := a.text(), a.text(), a.list(), a.flag()
	if a.err != nil {
		return nil, a.err
	}
	if !strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/") {
		return nil, fmt.Errorf("%w: the DHT's prefix %.100q does not begin with a slash, or ends with one",
			models.ErrInvalid, prefix)
	}
	s := &store{keys: kad.In(prefix), trees: map[string]*dynamic.Tree{}, queries: map[int]*query{}}
	definitions, err := s.define(schemas)
	if err != nil {
		return nil, err
	}
	eng := indexeddb.Options{Config: engine.Config{Path: name, NoFsync: relaxed}}.Engine()
	options := record.Options{Models: definitions, CacheBytes: cacheBytes}
	s.records, err = record.Open(context.Background(), eng, options)
	if err != nil {
		return nil, fmt.Errorf("database %.100q: %w", name, err)
	}
	s.validator = s.records.Validator()
	return s.offer(), nil
}

// define makes the definitions of a list of schema files.
func (s *store) define(files *arguments) ([]*models.Definition, error) {
	var schemas []shape.Schema
	for len(files.rest) > 0 {
		schema, err := shape.ReadSchema(strings.NewReader(files.text()))
		if err := cmp.Or(files.err, err); err != nil {
			return nil, fmt.Errorf("schema %d: %w", len(schemas), err)
		}
		schemas = append(schemas, schema)
	}
	made, err := dynamic.Definitions(schemas, dynamic.KeyCodecs(record.KeyCodecNamed))
	if err != nil {
		return nil, err
	}
	var definitions []*models.Definition
	for _, d := range made {
		definitions = append(definitions, d.Definition)
		for _, t := range d.Trees() {
			s.trees[t.Name()] = t
		}
	}
	return definitions, nil
}

// offer returns the functions of the store.
func (s *store) offer() js.Value {
	fs := &s.functions
	return js.ValueOf(map[string]any{
		"put":      fs.promise(s.put),
		"get":      fs.promise(s.get),
		"has":      fs.promise(s.has),
		"delete":   fs.promise(s.delete),
		"write":    fs.promise(s.write),
		"query":    fs.promise(s.query),
		"next":     fs.promise(s.next),
		"end":      fs.promise(s.end),
		"row":      fs.promise(s.row),
		"find":     fs.promise(s.find),
		"encode":   fs.promise(s.encode),
		"keep":     fs.promise(s.keep),
		"validate": fs.promise(s.validate),
		"select":   fs.promise(s.choose),
		"close":    fs.promise(s.close),
		// release is called when close has ended, and the last of all.
		"release": fs.add(func([]js.Value) any {
			go s.functions.release() // not within one of them
			return nil
		}),
	})
}

// path takes a key, and returns it as it is in Go.
func (s *store) path(a *arguments) (ds.Key, kad.Kind) {
	path, kind, err := s.keys.Path(a.text())
	if err != nil {
		a.fail(err)
	}
	return ds.RawKey(path), kind
}

// value takes the value of a key, and returns it as it is in Go.
func (s *store) value(a *arguments, kind kad.Kind) []byte {
	b := a.bytes()
	if a.err != nil {
		return nil
	}
	v, err := kind.ToGo(b)
	if err != nil {
		a.fail(err)
	}
	return v
}

// put stores a value: key, value.
func (s *store) put(a *arguments) (any, error) {
	key, kind := s.path(a)
	v := s.value(a, kind)
	if a.err != nil {
		return nil, a.err
	}
	return nil, s.records.Put(context.Background(), key, v)
}

// get gives the value of a key.
func (s *store) get(a *arguments) (any, error) {
	key, kind := s.path(a)
	if a.err != nil {
		return nil, a.err
	}
	v, err := s.records.Get(context.Background(), key)
	if err == nil {
		v, err = kind.ToJS(v)
	}
	if err != nil {
		return nil, err
	}
	return jsvalue.FromBytes(v), nil
}

func (s *store) has(a *arguments) (any, error) {
	key, _ := s.path(a)
	if a.err != nil {
		return nil, a.err
	}
	return s.records.Has(context.Background(), key)
}

func (s *store) delete(a *arguments) (any, error) {
	key, _ := s.path(a)
	if a.err != nil {
		return nil, a.err
	}
	return nil, s.records.Delete(context.Background(), key)
}

// write makes changes at once: a list of keys, each with its value behind it, or null to delete it.
func (s *store) write(a *arguments) (any, error) {
	changes := a.list()
	if a.err != nil {
		return nil, a.err
	}
	ctx := context.Background()
	batch, err := s.records.Batch(ctx)
	if err != nil {
		return nil, err
	}
	for len(changes.rest) > 0 {
		key, kind := s.path(changes)
		if changes.null() {
			err = batch.Delete(ctx, key)
		} else if v := s.value(changes, kind); changes.err == nil {
			err = batch.Put(ctx, key, v)
		}
		if err := cmp.Or(changes.err, err); err != nil {
			return nil, err
		}
	}
	return nil, batch.Commit(ctx)
}

// validate checks the value of a record: record key, value.
func (s *store) validate(a *arguments) (any, error) {
	key, v := a.bytes(), a.bytes()
	if a.err != nil {
		return nil, a.err
	}
	return nil, s.validator.Validate(string(key), v)
}

// keep stores a record that came just now: record key, value.
func (s *store) keep(a *arguments) (any, error) {
	key, v := a.bytes(), a.bytes()
	if a.err != nil {
		return nil, a.err
	}
	path, ok := kad.RecordPath(string(key))
	if !ok {
		return nil, fmt.Errorf("%w: the record key %.100q has no namespace", models.ErrInvalid, key)
	}
	r := gorecord.MakePutRecord(string(key), v)
	r.TimeReceived = time.Now().UTC().Format(time.RFC3339Nano)
	data, err := proto.Marshal(r)
	if err != nil {
		return nil, err
	}
	return nil, s.records.Put(context.Background(), ds.RawKey(path), data)
}

// choose gives the number of the best of several values of a record: record key, list of values.
func (s *store) choose(a *arguments) (any, error) {
	key, list := a.bytes(), a.list()
	var values [][]byte
	for len(list.rest) > 0 {
		values = append(values, list.bytes())
	}
	if err := cmp.Or(a.err, list.err); err != nil {
		return nil, err
	}
	return s.validator.Select(string(key), values)
}

// close closes the store.
func (s *store) close(*arguments) (any, error) {
	var errs []error
	for _, q := range s.queries {
		errs = append(errs, q.close())
	}
	clear(s.queries)
	return nil, errors.Join(append(errs, s.records.Close())...)
}
