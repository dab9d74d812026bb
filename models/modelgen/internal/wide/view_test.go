package wide_test

import (
	"encoding"
	"fmt"
	"reflect"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/wide"
)

// viewer decodes src into a view and, if src is canonical, compares that with
// the model.
type viewer func(src []byte, model reflect.Value, canonical bool) error

func viewThing(src []byte, model reflect.Value, canonical bool) error {
	var v wide.ThingView
	if err := v.Decode(models.BorrowBytes(src)); err != nil || !canonical {
		return err
	}
	return sameView(model, reflect.ValueOf(v), "Thing")
}

func viewOptional(src []byte, model reflect.Value, canonical bool) error {
	var v wide.OptionalView
	if err := v.Decode(models.BorrowBytes(src)); err != nil || !canonical {
		return err
	}
	return sameView(model, reflect.ValueOf(v), "Optional")
}

func viewItem(src []byte, model reflect.Value, canonical bool) error {
	var v wide.ItemView
	if err := v.Decode(models.BorrowBytes(src)); err != nil || !canonical {
		return err
	}
	return sameView(model, reflect.ValueOf(v), "item")
}

// sameView compares a model's value with that of its view.
func sameView(model, view reflect.Value, path string) error {
	differ := func(got any) error { return fmt.Errorf("%s is %v in the view and %v in the model", path, got, model) }
	switch v := view.Interface().(type) {
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
		present := view.FieldByName("Present").Bool()
		if present == model.IsNil() {
			return differ(present)
		}
		if !present {
			return nil
		}
		return sameView(model.Elem(), view.FieldByName("Value"), path)
	case model.Type() == view.Type():
		if !reflect.DeepEqual(model.Interface(), view.Interface()) {
			return differ(view)
		}
		return nil
	}
	switch model.Kind() {
	case reflect.Slice, reflect.Map:
		return sameElements(model, view, path)
	case reflect.Array:
		for i := range model.Len() {
			if err := sameView(model.Index(i), view.Index(i), path+"[]"); err != nil {
				return err
			}
		}
		return nil
	case reflect.Struct:
		for i := range view.NumField() {
			name := view.Type().Field(i).Name
			if name == "DecodeField" { // Decode is the method
				name = "Decode"
			}
			if err := sameView(model.FieldByName(name), view.Field(i), path+"."+name); err != nil {
				return err
			}
		}
		return nil
	default:
		return fmt.Errorf("%s is %s in the view and %s in the model", path, view.Type(), model.Type())
	}
}

// sameElements compares a slice or map with a list or map in a view.
func sameElements(model, view reflect.Value, path string) error {
	if got := view.MethodByName("Len").Call(nil)[0].Int(); got != int64(model.Len()) {
		return fmt.Errorf("%s has %d elements in the view and %d in the model", path, got, model.Len())
	}
	seen := 0
	for key, elem := range view.MethodByName("All").Call(nil)[0].Seq2() {
		seen++
		var want reflect.Value
		if model.Kind() == reflect.Map {
			text := key.Interface().(models.BorrowedString).Clone()
			want = model.MapIndex(reflect.ValueOf(text).Convert(model.Type().Key()))
			found := view.MethodByName("Get").Call([]reflect.Value{reflect.ValueOf(text)})
			if !found[1].Bool() || !want.IsValid() {
				return fmt.Errorf("%s: the key %q is not in both", path, text)
			}
		} else {
			want = model.Index(int(key.Int()))
		}
		if err := sameView(want, elem, path+"[]"); err != nil {
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
