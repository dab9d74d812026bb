//go:build js

package opfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// directory is a directory of the origin.
type directory struct{ value js.Value }

// named reports whether err is an exception of JavaScript with a name.
func named(err error, name string) bool {
	e, ok := errors.AsType[*jsvalue.Exception](err)
	return ok && e.Name == name
}

// call waits for what a method promises.
func call(ctx context.Context, on js.Value, method string, args ...any) (v js.Value, err error) {
	defer journal.Caught(&err)
	v, err = jsvalue.Await(ctx, on.Call(method, args...))
	return v, journal.NoSpace(err)
}

// openDirectory opens a directory in the root. It returns engine.ErrMissing if there is none and none is to
// be made.
func openDirectory(ctx context.Context, name string, create bool) (directory, error) {
	handle := js.Global().Get("FileSystemFileHandle")
	if !handle.Truthy() || !handle.Get("prototype").Get("createSyncAccessHandle").Truthy() {
		return directory{}, ErrNoWorker
	}
	root, err := call(ctx, js.Global().Get("navigator").Get("storage"), "getDirectory")
	if err != nil {
		return directory{}, err
	}
	v, err := call(ctx, root, "getDirectoryHandle", name, map[string]any{"create": create})
	if named(err, "NotFoundError") {
		err = engine.ErrMissing
	}
	return directory{v}, err
}

// names returns the names of the files.
func (d directory) names(ctx context.Context) (names []string, err error) {
	defer journal.Caught(&err)
	keys := d.value.Call("keys")
	for {
		next, err := call(ctx, keys, "next")
		if err != nil {
			return nil, err
		}
		if next.Get("done").Bool() {
			return names, nil
		}
		names = append(names, next.Get("value").String())
	}
}

func (d directory) remove(ctx context.Context, name string) error {
	_, err := call(ctx, d.value, "removeEntry", name)
	return err
}

// open opens a file, which nobody else can open then. It returns engine.ErrLocked if somebody has, and
// engine.ErrMissing if there is none and none is to be made.
func (d directory) open(ctx context.Context, name string, create bool) (*file, error) {
	handle, err := call(ctx, d.value, "getFileHandle", name, map[string]any{"create": create})
	if named(err, "NotFoundError") {
		return nil, engine.ErrMissing
	}
	if err != nil {
		return nil, err
	}
	access, err := call(ctx, handle, "createSyncAccessHandle")
	if named(err, "NoModificationAllowedError") {
		return nil, engine.ErrLocked
	}
	if err != nil {
		return nil, err
	}
	f := &file{value: access, name: name}
	if f.size, err = f.stat(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// file is an open file, of which no other program changes the size.
type file struct {
	value js.Value
	name  string
	size  int64
}

func (f *file) stat() (size int64, err error) {
	defer journal.Caught(&err)
	return int64(f.value.Call("getSize").Float()), nil
}

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(b []byte, at int64) (n int, err error) {
	defer journal.Caught(&err)
	array := js.Global().Get("Uint8Array").New(len(b))
	n = f.value.Call("read", array, map[string]any{"at": float64(at)}).Int()
	js.CopyBytesToGo(b, array)
	if n < len(b) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

// write writes all of b at a place, behind which there is nothing afterwards.
func (f *file) write(b []byte, at int64) (err error) {
	defer journal.Caught(&err)
	n := f.value.Call("write", jsvalue.FromBytes(b), map[string]any{"at": float64(at)}).Int()
	f.size = max(f.size, at+int64(n))
	if n < len(b) {
		return fmt.Errorf("%w: %d bytes of %d are written to %s", engine.ErrNoSpace, n, len(b), f.name)
	}
	return nil
}

func (f *file) truncate(size int64) (err error) {
	defer journal.Caught(&err)
	f.value.Call("truncate", float64(size))
	f.size = size
	return nil
}

func (f *file) flush() (err error) {
	defer journal.Caught(&err)
	f.value.Call("flush")
	return nil
}

func (f *file) close() { f.value.Call("close") }
