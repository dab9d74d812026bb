// Package dagjson writes DAG-CBOR as JSON by the rules of DAG-JSON
// (https://ipld.io/specs/codecs/dag-json/spec/), for programs that do not have the Go type of a value.
package dagjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// decoding reads DAG-CBOR of any shape, as strictly as the codec of package models does.
var decoding = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  32,
		MaxArrayElements: 131_072,
		MaxMapPairs:      131_072,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		UTF8:             cbor.UTF8RejectInvalid,
		NaN:              cbor.NaNDecodeForbidden,
		Inf:              cbor.InfDecodeForbidden,
		DefaultMapType:   reflect.TypeFor[map[string]any](),
	}.DecMode()
	if err != nil {
		panic(err) // the options contradict each other, whatever the data
	}
	return mode
}()

// Unmarshal decodes the whole of src into v.
func Unmarshal(src []byte, v any) error { return decoding.Unmarshal(src, v) }

// Append appends the DAG-CBOR of a value as DAG-JSON, the names of a map in bytewise order. After an
// error dst has its length unchanged.
func Append(dst, src []byte) ([]byte, error) {
	var value any
	if err := Unmarshal(src, &value); err != nil {
		return dst, err
	}
	return appendValue(dst, value)
}

// AppendBytes appends a byte string as DAG-JSON.
func AppendBytes(dst, data []byte) []byte {
	dst = append(dst, `{"/":{"bytes":"`...)
	return append(base64.RawStdEncoding.AppendEncode(dst, data), `"}}`...)
}

func appendValue(dst []byte, value any) ([]byte, error) {
	text := bytes.NewBuffer(dst)
	encoder := json.NewEncoder(text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(writable(value)); err != nil {
		return dst, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// writable replaces what JSON has no form for, or another one than DAG-JSON.
func writable(value any) any {
	switch v := value.(type) {
	case []byte:
		return json.RawMessage(AppendBytes(nil, v))
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0" // tells it from an integer
		}
		return json.RawMessage(text)
	case []any:
		for i := range v {
			v[i] = writable(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = writable(v[name])
		}
	}
	return value
}
