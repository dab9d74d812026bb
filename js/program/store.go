//go:build js

package main

import (
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
	unlock    func()
}

// open opens a store: name of the database, datastorePrefix of the DHT, schema files as text, and whether
// writes are relaxed.
func open(args []js.Value) (any, error) {
	ctx := context.Background()
	name, err := text(args, 0)
	if err != nil {
		return nil, err
	}
	prefix, err := text(args, 1)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/") {
		return nil, fmt.Errorf("%w: the DHT's prefix %.100q does not begin with a slash, or ends with one",
			models.ErrInvalid, prefix)
	}
	s := &store{keys: kad.In(prefix), trees: map[string]*dynamic.Tree{}, queries: map[int]*query{}}
	definitions, err := s.define(args[2])
	if err != nil {
		return nil, err
	}
	unlock, err := lock(ctx, name)
	if err != nil {
		return nil, err
	}
	s.unlock = unlock
	eng := indexeddb.Options{Config: engine.Config{Path: name, NoFsync: args[3].Bool()}}.Engine()
	s.records, err = record.Open(ctx, eng, record.Options{Models: definitions, CacheBytes: cacheBytes})
	if err != nil {
		unlock()
		return nil, err
	}
	s.validator = s.records.Validator()
	return s.offer(), nil
}

// patience is how long open waits for another tab to close a database, or for the page before a reload.
const patience = 2 * time.Second

// lock takes a database for one store: what its Records count and cache no other ones must change.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	unlock, err = jsvalue.Lock(ctx, "netabase-records "+name, jsvalue.LockMode{})
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %.100q is open in another tab or worker, or in this one", engine.ErrLocked, name)
	}
	return unlock, err
}

// define makes the definitions of a list of schema files.
func (s *store) define(files js.Value) ([]*models.Definition, error) {
	var schemas []shape.Schema
	for i := range files.Length() {
		schema, err := shape.ReadSchema(strings.NewReader(files.Index(i).String()))
		if err != nil {
			return nil, fmt.Errorf("schema %d: %w", i, err)
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

// path returns the key in Go that an argument names.
func (s *store) path(args []js.Value, i int) (ds.Key, kad.Kind, error) {
	name, err := text(args, i)
	if err != nil {
		return ds.Key{}, 0, err
	}
	path, kind, err := s.keys.Path(name)
	if err != nil {
		return ds.Key{}, 0, err
	}
	return ds.RawKey(path), kind, nil
}

// put stores a value: key, value.
func (s *store) put(args []js.Value) (any, error) {
	key, kind, err := s.path(args, 0)
	if err != nil {
		return nil, err
	}
	v, err := value(args, 1)
	if err != nil {
		return nil, err
	}
	if v, err = kind.ToGo(v); err != nil {
		return nil, err
	}
	return nil, s.records.Put(context.Background(), key, v)
}

// get gives the value of a key.
func (s *store) get(args []js.Value) (any, error) {
	key, kind, err := s.path(args, 0)
	if err != nil {
		return nil, err
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

func (s *store) has(args []js.Value) (any, error) {
	key, _, err := s.path(args, 0)
	if err != nil {
		return nil, err
	}
	return s.records.Has(context.Background(), key)
}

func (s *store) delete(args []js.Value) (any, error) {
	key, _, err := s.path(args, 0)
	if err != nil {
		return nil, err
	}
	return nil, s.records.Delete(context.Background(), key)
}

// write makes changes at once: a list of keys, each with its value behind it, or null to delete it.
func (s *store) write(args []js.Value) (any, error) {
	ctx := context.Background()
	batch, err := s.records.Batch(ctx)
	if err != nil {
		return nil, err
	}
	changes := args[0]
	for i := 0; i+1 < changes.Length(); i += 2 {
		change := []js.Value{changes.Index(i), changes.Index(i + 1)}
		key, kind, err := s.path(change, 0)
		if err != nil {
			return nil, err
		}
		if change[1].IsNull() {
			err = batch.Delete(ctx, key)
		} else {
			var v []byte
			if v, err = value(change, 1); err == nil {
				v, err = kind.ToGo(v)
			}
			if err == nil {
				err = batch.Put(ctx, key, v)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, batch.Commit(ctx)
}

// validate checks the value of a record: record key, value.
func (s *store) validate(args []js.Value) (any, error) {
	key, err := value(args, 0)
	if err != nil {
		return nil, err
	}
	v, err := value(args, 1)
	if err != nil {
		return nil, err
	}
	return nil, s.validator.Validate(string(key), v)
}

// keep stores a record that came just now: record key, value.
func (s *store) keep(args []js.Value) (any, error) {
	key, err := value(args, 0)
	if err != nil {
		return nil, err
	}
	v, err := value(args, 1)
	if err != nil {
		return nil, err
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
func (s *store) choose(args []js.Value) (any, error) {
	key, err := value(args, 0)
	if err != nil {
		return nil, err
	}
	var values [][]byte
	for i := range args[1].Length() {
		v, err := value([]js.Value{args[1].Index(i)}, 0)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return s.validator.Select(string(key), values)
}

// close closes the store.
func (s *store) close([]js.Value) (any, error) {
	var errs []error
	for _, q := range s.queries {
		errs = append(errs, q.close())
	}
	clear(s.queries)
	errs = append(errs, s.records.Close())
	s.unlock()
	return nil, errors.Join(errs...)
}
