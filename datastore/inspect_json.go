package datastore

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// dagCBOR is the name of the codec whose values describe themselves.
const dagCBOR = "dag-cbor"

// inspectDecoding reads DAG-CBOR of any shape, as strictly as the codec of
// package models does.
var inspectDecoding = func() cbor.DecMode {
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

// rowJSON returns what codec wrote as DAG-JSON.
func rowJSON(codec string, value []byte) (json.RawMessage, error) {
	var tree any = value
	if codec == dagCBOR {
		if err := inspectDecoding.Unmarshal(value, &tree); err != nil {
			return nil, err
		}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(dagJSON(tree)); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// dagJSON replaces what JSON has no form for, or another one than DAG-JSON.
func dagJSON(value any) any {
	switch v := value.(type) {
	case []byte:
		return map[string]any{"/": map[string]any{"bytes": base64.RawStdEncoding.EncodeToString(v)}}
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0" // tells it from an integer
		}
		return json.RawMessage(text)
	case []any:
		for i := range v {
			v[i] = dagJSON(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = dagJSON(v[name])
		}
	}
	return value
}
