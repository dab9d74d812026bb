package models

import (
	"encoding/hex"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// TestTags reads the tag netabase of a field, of every type that is different.
func TestTags(t *testing.T) {
	for _, c := range []struct {
		value    any
		tag      string
		earlier  string // the earlier names, with | between
		fallback string // the default, in hex
		refused  string // a part of the error
	}{
		{value: uint8(0), tag: "default=255", fallback: "18ff"},
		{value: uint8(0), tag: "index;default=1;was=Old", fallback: "01", earlier: "Old"},
		{value: new(int16), tag: "default=-1", fallback: "20"},
		{value: float32(0), tag: "default=0.5", fallback: "fb3fe0000000000000"},
		{value: true, tag: "default=false", fallback: "f4"},
		{value: email(""), tag: "default= a, b ", fallback: "6520612c2062"},
		{value: "", tag: `default="a;b "; was="c;d" ;was=e f`, fallback: "64613b6220", earlier: "c;d|e f"},
		{value: "", tag: `default=""`, fallback: "60"},
		{value: time.Time{}, tag: "default=2020-01-01T01:00:00+01:00", fallback: "74" + hex.EncodeToString([]byte("2020-01-01T00:00:00Z"))},
		{value: "", tag: "primary;sequence;unique;multi;blind;blindunique;clock;index=a,1,optional"}, // modelgen's

		{value: uint8(0), tag: "default=256", refused: `"256" is no uint8; write a number from 0 to 255`},
		{value: 0, tag: "default=x", refused: `"x" is no int64`},
		{value: float32(0), tag: "default=1e99", refused: `"1e99" is no float32`},
		{value: true, tag: "default=1", refused: "write true or false"},
		{value: time.Time{}, tag: "default=today", refused: `"today" is no time`},
		{value: []string{}, tag: "default=a", refused: "a value of kind list cannot be written as text"},
		{value: struct{ A int }{}, tag: "default=a", refused: "a value of kind struct cannot be written as text"},
		{value: []byte{}, tag: "default=a", refused: "a value of kind bytes cannot be written as text"},
		{value: netip.Addr{}, tag: "default=::1", refused: "a tag cannot have the default of netip.Addr, which encodes itself"},
		{value: new(level), tag: "default=!", refused: "a tag cannot have the default of models.level, which encodes itself"},
		{value: "", tag: "default=", refused: "default needs a value"},
		{value: "", tag: "default", refused: "default needs a value"},
		{value: "", tag: "default=a;default=b", refused: "default is there twice"},
		{value: "", tag: `default="a`, refused: "does not end"},
		{value: "", tag: `default="a"b`, refused: `"b" follows the literal`},
		{value: "", tag: "was", refused: "was needs the field's earlier name"},
		{value: "", tag: "was=", refused: "was needs the field's earlier name"},
		{value: "", tag: "was=a,b", refused: "was=a,b has a comma"},
		{value: "", tag: "was=a;was=a", refused: "was=a is there twice"},
		{value: "", tag: `was="\xff"`, refused: "is not UTF-8"},
		{value: "", tag: "was=F", refused: "was=F is the name that the field has"},
		{value: "", tag: "was=Other", refused: "was=Other is the name of another field"},
		{value: "", tag: "defualt=a", refused: `"defualt" is not known`},
		{value: "", tag: "name=a", refused: "to rename a field"},
		{value: "", tag: "-", refused: "to leave out a field"},
	} {
		field := reflect.StructField{
			Name: "F", Type: reflect.TypeOf(c.value), Tag: reflect.StructTag(`netabase:` + quote(c.tag)),
		}
		other := reflect.StructField{Name: "Other", Type: reflect.TypeFor[string]()}
		// The same within a struct in a list.
		plain := reflect.StructOf([]reflect.StructField{field, other})
		list := reflect.StructField{Name: "List", Type: reflect.SliceOf(plain)}
		for where, model := range map[string]reflect.Type{"F": plain, "List[].F": reflect.StructOf([]reflect.StructField{list})} {
			s, err := dagShapeOf(model)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), where+": ") {
					t.Errorf("%s: %T with %s: got error %v, want %s", where, c.value, c.tag, err, c.refused)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %T with %s: %v", where, c.value, c.tag, err)
				continue
			}
			if err := shape.StructOf(s.fields...).Check(); err != nil {
				t.Errorf("%s: %T with %s: %v", where, c.value, c.tag, err)
			}
			f := s.fields[0]
			if f.Name == "List" {
				f = f.Type.Elem.Fields[0]
			}
			if got := hex.EncodeToString(f.Default); got != c.fallback {
				t.Errorf("%s: %T with %s: got default %s, want %s", where, c.value, c.tag, got, c.fallback)
			}
			if got := strings.Join(f.Was, "|"); got != c.earlier {
				t.Errorf("%s: %T with %s: got earlier names %s, want %s", where, c.value, c.tag, got, c.earlier)
			}
		}
	}
}

func quote(tag string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(tag) + `"`
}

// TestTagsMisplaced refuses tags on fields that are not stored, or that are none.
func TestTagsMisplaced(t *testing.T) {
	type Plain struct{ B string }
	type skipped struct {
		A string
		B string `netabase:"default=a" cbor:"-"`
	}
	type embeds struct {
		A     string
		Plain `netabase:"was=c"`
	}
	type twice struct {
		A string `netabase:"was=c"`
		B string `netabase:"was=c"`
	}
	text := reflect.TypeFor[string]()
	stored := reflect.StructField{Name: "A", Type: text}
	private := reflect.StructField{Name: "b", PkgPath: "models", Type: text, Tag: `netabase:"was=c"`}
	bare := reflect.StructField{Name: "B", Type: text, Tag: `cbor:"b" netabase:was=c`}
	for want, model := range map[string]reflect.Type{
		"skipped.B: a field with the tag netabase has to be stored":    reflect.TypeFor[skipped](),
		".b: a field with the tag netabase has to be stored":           reflect.StructOf([]reflect.StructField{stored, private}),
		"embeds.Plain: the fields of an embedded struct count as":      reflect.TypeFor[embeds](),
		".B: the value of the tag netabase has to be in double quotes": reflect.StructOf([]reflect.StructField{stored, bare}),
		"twice.B: was=c is declared twice":                             reflect.TypeFor[twice](),
	} {
		if _, err := dagShapeOf(model); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}
