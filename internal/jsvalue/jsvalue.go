//go:build js

package jsvalue

import (
	"context"
	"errors"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/internal/pause"
)

// Exception is an exception of JavaScript.
type Exception struct{ Name, Message string }

func (e *Exception) Error() string { return e.Name + ": " + e.Message }

// Error returns an error for an exception of JavaScript, which is an *Exception if there is a reason.
func Error(v js.Value) error {
	if !v.Truthy() {
		return errors.New("the browser gives no reason")
	}
	if v.Type() != js.TypeObject {
		return &Exception{"Error", v.String()}
	}
	return &Exception{v.Get("name").String(), v.Get("message").String()}
}

// Thrown returns an error for what recover has returned, which is nil or an exception of JavaScript. It
// panics again with anything else.
func Thrown(recovered any) error {
	switch v := recovered.(type) {
	case nil:
		return nil
	case js.Error:
		return Error(v.Value)
	default:
		panic(v)
	}
}

// Caught makes an exception of JavaScript the error of the function that defers it.
func Caught(err *error) {
	if thrown := Thrown(recover()); thrown != nil {
		*err = thrown
	}
}

// First returns the first argument of a callback, or undefined.
func First(args []js.Value) js.Value {
	if len(args) == 0 {
		return js.Undefined()
	}
	return args[0]
}

// Await waits for a promise or for the end of ctx. It must not be called in a callback from JavaScript.
func Await(ctx context.Context, promise js.Value) (js.Value, error) {
	type result struct {
		value js.Value
		err   error
	}
	done := make(chan result, 1)
	resolve := FuncOf(func(_ js.Value, args []js.Value) any {
		done <- result{value: First(args)}
		return nil
	})
	reject := FuncOf(func(_ js.Value, args []js.Value) any {
		done <- result{err: Error(First(args))}
		return nil
	})
	promise.Call("then", resolve.Value, reject.Value)
	end := func() {
		resolve.Release()
		reject.Release()
	}
	select {
	case r := <-done:
		pause.Rested()
		end()
		return r.value, r.err
	case <-ctx.Done():
		go func() { // the browser calls one of the two some time
			<-done
			end()
		}()
		return js.Undefined(), ctx.Err()
	}
}

var uint8Array = js.Global().Get("Uint8Array")

// FromBytes copies bytes into a new Uint8Array.
func FromBytes(b []byte) js.Value {
	array := uint8Array.New(len(b))
	js.CopyBytesToJS(array, b)
	return array
}

// Bytes copies the bytes of a Uint8Array. It is false for anything else.
func Bytes(v js.Value) ([]byte, bool) {
	if !v.InstanceOf(uint8Array) {
		return nil, false
	}
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b, true
}
