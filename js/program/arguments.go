//go:build js

package main

import (
	"fmt"
	"syscall/js"

	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
	"github.com/newsnet-africa/netabase-go/models"
)

// arguments are those of a call from JavaScript, which are taken one after the other.
type arguments struct {
	rest  []js.Value
	taken int
	// err says which one was the first that is not what it has to be. Values taken since then count for
	// nothing.
	err error
}

// fail keeps the first error.
func (a *arguments) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// next takes an argument, and reports whether it has a type.
func (a *arguments) next(what string, is js.Type) (v js.Value, ok bool) {
	if len(a.rest) > 0 {
		v, a.rest = a.rest[0], a.rest[1:]
	}
	a.taken++
	ok = v.Type() == is
	if !ok {
		a.wrong(what)
	}
	return v, ok
}

// wrong says that the argument that was taken last is not what it has to be.
func (a *arguments) wrong(what string) {
	a.fail(fmt.Errorf("%w: argument %d is not a %s", models.ErrInvalid, a.taken-1, what))
}

func (a *arguments) text() string {
	v, ok := a.next("string", js.TypeString)
	if !ok {
		return ""
	}
	return v.String()
}

func (a *arguments) number() int {
	v, ok := a.next("number", js.TypeNumber)
	if !ok {
		return 0
	}
	return v.Int()
}

func (a *arguments) flag() bool {
	v, ok := a.next("boolean", js.TypeBoolean)
	return ok && v.Bool()
}

// bytes takes a Uint8Array, and copies it.
func (a *arguments) bytes() []byte {
	const what = "Uint8Array"
	v, ok := a.next(what, js.TypeObject)
	if !ok {
		return nil
	}
	b, ok := jsvalue.Bytes(v)
	if !ok {
		a.wrong(what)
	}
	return b
}

// list takes an array, and returns its elements as arguments.
func (a *arguments) list() *arguments {
	elements := &arguments{}
	if v, ok := a.next("list", js.TypeObject); ok {
		for i := range v.Length() {
			elements.rest = append(elements.rest, v.Index(i))
		}
	}
	return elements
}

// null takes an argument if it is null, and reports whether it is.
func (a *arguments) null() bool {
	is := len(a.rest) > 0 && a.rest[0].IsNull()
	if is {
		a.next("null", js.TypeNull)
	}
	return is
}
