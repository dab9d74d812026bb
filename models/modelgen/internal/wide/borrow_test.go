package wide_test

import (
	"encoding"
	"fmt"
	"reflect"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/wide"
)

// borrower decodes src into borrowed memory. If src is canonical, it compares the result with
// the model.
type borrower func(src []byte, model reflect.Value, canonical bool) error

func borrowThing(src []byte, model reflect.Value, canonical bool) error {
	var v wide.BorrowedThing
	if err := v.Decode(models.BorrowBytes(src)); err != nil || !canonical {
		return err
	}
	return sameBorrowed(model, reflect.ValueOf(v), "Thing")
}

func borrowOptional(src []byte, model reflect.Value, canonical bool) error {
	var v wide.BorrowedOptional
	if err := v.Decode(models.BorrowBytes(src)); err != nil || !canonical {
		return err
	}
	return sameBorrowed(model, reflect.ValueOf(v), "Optional")
}

func borrowItem(src []byte, model reflect.Value, canonical bool) error {
	var v wide.BorrowedItem
	if err := v.Decode(models.BorrowBytes(src)); err != nil || !canonical {
		return err
	}
	return sameBorrowed(model, reflect.ValueOf(v), "item")
}

// sameBorrowed compares a model's value with a borrowed one.
func sameBorrowed(model, lent reflect.Value, path string) error {
	differ := func(got any) error { return fmt.Errorf("%s is %v borrowed and %v in the model", path, got, model) }
	switch v := lent.Interface().(type) {
	case models.BorrowedString:
		want := []byte(nil)
		if m, ok := addressable(model).(encoding.TextMarshaler); ok {
			want, _ = m.MarshalText()
		} else {
			want = []byte(model.String())
		}
		if !v.Equal(string(want)) {
			return differ(v)
		}
		return nil
	case models.BorrowedBytes:
		want := []byte(nil)
		if m, ok := addressable(model).(encoding.BinaryMarshaler); ok {
			want, _ = m.MarshalBinary()
		} else {
			want = bytesOf(model)
		}
		if !v.Equal(want) {
			return differ(v.Clone())
		}
		return nil
	}
	switch {
	case model.Kind() == reflect.Pointer:
		present := lent.FieldByName("Present").Bool()
		if present == model.IsNil() {
			return differ(present)
		}
		if !present {
			return nil
		}
		return sameBorrowed(model.Elem(), lent.FieldByName("Value"), path)
	case model.Type() == lent.Type():
		if !reflect.DeepEqual(model.Interface(), lent.Interface()) {
			return differ(lent)
		}
		return nil
	}
	switch model.Kind() {
	case reflect.Slice, reflect.Map:
		return sameElements(model, lent, path)
	case reflect.Array:
		for i := range model.Len() {
			if err := sameBorrowed(model.Index(i), lent.Index(i), path+"[]"); err != nil {
				return err
			}
		}
		return nil
	case reflect.Struct:
		for i := range lent.NumField() {
			name := lent.Type().Field(i).Name
			if name == "DecodeField" { // Decode is the method
				name = "Decode"
			}
			if err := sameBorrowed(model.FieldByName(name), lent.Field(i), path+"."+name); err != nil {
				return err
			}
		}
		return nil
	default:
		return fmt.Errorf("%s is %s borrowed and %s in the model", path, lent.Type(), model.Type())
	}
}

// sameElements compares a slice or map with a borrowed list or map.
func sameElements(model, lent reflect.Value, path string) error {
	if got := lent.MethodByName("Len").Call(nil)[0].Int(); got != int64(model.Len()) {
		return fmt.Errorf("%s has %d elements borrowed and %d in the model", path, got, model.Len())
	}
	seen := 0
	for key, elem := range lent.MethodByName("All").Call(nil)[0].Seq2() {
		seen++
		var want reflect.Value
		if model.Kind() == reflect.Map {
			text := key.Interface().(models.BorrowedString).Clone()
			want = model.MapIndex(reflect.ValueOf(text).Convert(model.Type().Key()))
			found := lent.MethodByName("Get").Call([]reflect.Value{reflect.ValueOf(text)})
			if !found[1].Bool() || !want.IsValid() {
				return fmt.Errorf("%s: the key %q is not in both", path, text)
			}
		} else {
			want = model.Index(int(key.Int()))
		}
		if err := sameBorrowed(want, elem, path+"[]"); err != nil {
			return err
		}
	}
	if seen != model.Len() {
		return fmt.Errorf("%s yields %d elements of %d", path, seen, model.Len())
	}
	return nil
}

func addressable(v reflect.Value) any {
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p.Interface()
}

func bytesOf(v reflect.Value) []byte {
	data := make([]byte, v.Len())
	for i := range data {
		data[i] = byte(v.Index(i).Uint())
	}
	return data
}
