package mergetest

import (
	"fmt"
	"math"
	"reflect"
	"time"

	"pgregory.net/rapid"
)

// Models draws models with random values in all exported fields, then calls setKey, which gives each the
// same primary key. Lists and maps have up to three elements. Values repeat often, since merges go wrong
// where two peers have changed one thing. A type with another form than its fields, such as one with
// MarshalText, makes the test fail: give [Check] a generator of your own for a model with one.
func Models[M any](setKey func(*M)) *rapid.Generator[M] {
	return rapid.Custom(func(t *rapid.T) M {
		m := new(M)
		draw(t, reflect.ValueOf(m).Elem(), "model")
		setKey(m)
		return *m
	})
}

var (
	bits  = rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, 3), rapid.Uint64())
	texts = rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", "c"}), rapid.String())
)

// draw sets v to a random value. The name is that of v in a failure.
func draw(t *rapid.T, v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, name))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := int64(bits.Draw(t, name))
		if v.OverflowInt(n) {
			n %= math.MaxInt8
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := bits.Draw(t, name)
		if v.OverflowUint(n) {
			n %= math.MaxUint8
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(rapid.Float32().Draw(t, name)))
	case reflect.String:
		v.SetString(texts.Draw(t, name))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), size(t, name), 3))
		drawElements(t, v, name)
	case reflect.Array:
		drawElements(t, v, name)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range size(t, name) {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			draw(t, key, name+" key")
			draw(t, elem, name+" value")
			v.SetMapIndex(key, elem)
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, name+" is there") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem(), name)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMicro(int64(bits.Draw(t, name) % (1 << 50))).UTC()))
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				draw(t, v.Field(i), name+"."+field.Name)
			}
		}
	default:
		t.Fatalf("%s has a type that Models cannot draw, %v", name, v.Type())
	}
}

func size(t *rapid.T, name string) int {
	return rapid.IntRange(0, 3).Draw(t, fmt.Sprintf("elements of %s", name))
}

func drawElements(t *rapid.T, v reflect.Value, name string) {
	for i := range v.Len() {
		draw(t, v.Index(i), fmt.Sprintf("%s[%d]", name, i))
	}
}
