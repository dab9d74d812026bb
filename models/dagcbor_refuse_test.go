package models

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Types that are no models. Each is an error that names the field.
type (
	loop    struct{ Next *loop }
	forest  struct{ Trees []forest }
	asArray struct {
		_ struct{} `cbor:",toarray"`
		A int
	}
	asIntegers struct {
		A int `cbor:"1,keyasint"`
	}
	twoNames struct {
		A int `cbor:"a"`
		B int `cbor:"a"`
	}
	hides struct {
		base
		Version string
	}
	embedsPointer struct{ *base }
	embedsTime    struct {
		time.Time
		Name string
	}
	embedsTwo struct {
		time.Time
		netip.Addr
	}
	namedBase struct {
		base `cbor:"base"`
	}
	secret   struct{ _ int }
	ownTime  time.Time
	halfText int
	ownCBOR  int
)

func (halfText) MarshalText() ([]byte, error) { return nil, nil }
func (ownCBOR) MarshalCBOR() ([]byte, error)  { return nil, nil }

func TestDagCBORTypes(t *testing.T) {
	for _, c := range []struct{ err, want string }{
		{declared[int](), "int: a model is a struct"},
		{declared[*base](), "*models.base: a model is a struct"},
		{declared[map[string]int](), "a model is a struct"},
		{declared[time.Time](), "time.Time: it marshals itself"},
		{declared[netip.Addr](), "netip.Addr: it marshals itself"},
		{declared[embedsTime](), "it marshals itself, perhaps by an embedded field"},
		{declared[struct{ When embedsTime }](), ".When: the embedded time.Time encodes itself and would leave out the other fields"},
		{declared[struct{ When embedsTwo }](), ".When: the embedded time.Time encodes itself and would leave out the other fields"},
		{declared[struct{ F func() }](), ".F: DAG-CBOR cannot encode func()"},
		{declared[struct{ C chan int }](), ".C: DAG-CBOR cannot encode chan int"},
		{declared[struct{ C complex128 }](), ".C: DAG-CBOR cannot encode complex128"},
		{declared[struct{ P uintptr }](), ".P: DAG-CBOR cannot encode uintptr"},
		{declared[struct{ Any any }](), ".Any: DAG-CBOR cannot encode interface {}"},
		{declared[struct{ Errs []error }](), ".Errs[]: DAG-CBOR cannot encode error"},
		{declared[struct {
			Deep map[string]struct{ Inner []func() }
		}](), ".Deep[].Inner[]: DAG-CBOR cannot encode func()"},
		{declared[struct{ M map[int]string }](), ".M: the keys of a map have to be plain strings, not int"},
		{declared[struct{ M map[netip.Addr]string }](), ".M: the keys of a map have to be plain strings, not netip.Addr"},
		{declared[struct{ M map[level]string }](), ".M: the keys of a map have to be plain strings, not models.level"},
		{declared[struct{ P **int }](), ".P: a pointer to a pointer"},
		{declared[struct{ B big.Int }](), ".B: DAG-CBOR has no integers of more than 64 bits"},
		{declared[struct{ B *big.Int }](), ".B: DAG-CBOR has no integers of more than 64 bits"},
		{declared[struct{ A [cborMaxElements + 1]int }](), ".A: it has more than 131072 elements"},
		{declared[struct{ L sync.Mutex }](), ".L: sync.Mutex has no exported fields"},
		{declared[struct{ S secret }](), ".S: models.secret has no exported fields"},
		{declared[struct{ T ownTime }](), ".T: models.ownTime has no exported fields"},
		{declared[struct{ H halfText }](), ".H: models.halfText has only one of MarshalText and UnmarshalText"},
		{declared[struct{ O ownCBOR }](), ".O: models.ownCBOR has CBOR methods, which need not give DAG-CBOR"},
		{declared[struct{ R cbor.RawMessage }](), ".R: cbor.RawMessage has CBOR methods, which need not give DAG-CBOR"},
		{declared[struct{ T cbor.Tag }](), ".T.Content: DAG-CBOR cannot encode interface {}"},
		{declared[loop](), "models.loop.Next: models.loop contains itself"},
		{declared[forest](), "models.forest.Trees[]: models.forest contains itself"},
		{declared[asArray](), "models.asArray: a struct is encoded as a map, not as an array"},
		{declared[struct{ A asArray }](), ".A: a struct is encoded as a map, not as an array"},
		{declared[asIntegers](), "models.asIntegers.A: the names of fields are strings in DAG-CBOR"},
		{declared[twoNames](), `models.twoNames.a: two fields are named "a"; rename one of them`},
		{declared[hides](), `models.hides.Version: two fields are named "Version"; rename one of them`},
		{declared[embedsPointer](), "models.embedsPointer.base: embed the struct and not a pointer to it"},
		{declared[namedBase](), "models.namedBase.base: an embedded struct that is not exported cannot be renamed"},
		{declared[struct {
			A int `cbor:"\xff"`
		}](), ".A: its name is not UTF-8"},
		{declared[struct{ D depth32 }](), "its maps and lists nest more than 32 deep"},
	} {
		if !strings.Contains(c.err, c.want) {
			t.Errorf("error is %q, want %q", c.err, c.want)
		}
	}
}

// declared returns the error of declaring a codec of M, after checking that
// every use of it returns the same.
func declared[M any]() string {
	codec := DagCBOR[M]()
	err := codec.(interface{ Err() error }).Err()
	if err == nil {
		return "none"
	}
	dst, appendErr := codec.Append([]byte("x"), new(M))
	decodeErr := codec.Decode([]byte{0xA0}, new(M))
	for _, used := range []error{appendErr, decodeErr} {
		if !errors.Is(used, ErrDefinition) || !errors.Is(used, err) || string(dst) != "x" {
			return "another when used"
		}
	}
	if codec.Fields() != nil {
		return "fields in spite of it"
	}
	return err.Error()
}

// Each of these types nests as many structs, lists and maps as its name says.
type (
	depth4  struct{ A []map[string][]int }
	depth17 struct {
		A []map[string][]map[string][]map[string][]map[string][]map[string][]map[string]depth4
	}
	depth32 struct {
		A []map[string][]map[string][]map[string][]map[string][]map[string][]map[string][]map[string]depth17
	}
)

// TestDagCBORDeep goes as deep as it can, and reads back what it wrote.
func TestDagCBORDeep(t *testing.T) {
	codec := DagCBOR[depth32]()
	if err := codec.(interface{ Err() error }).Err(); err != nil {
		t.Fatal(err)
	}
	var m depth32
	fill(reflect.ValueOf(&m).Elem())
	value, err := codec.Append(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	var got depth32
	if err := codec.Decode(value, &got); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("%x comes back as %v, error %v", value, got, err)
	}
	deeper := slices.Concat([]byte{0xA1, 0x61, 'A'}, bytes.Repeat([]byte{0x81}, 32), []byte{0})
	var tooDeep *cbor.MaxNestedLevelError
	if err := codec.Decode(deeper, &got); !errors.As(err, &tooDeep) {
		t.Errorf("33 levels decode with error %v", err)
	}
	if err := codec.Decode(slices.Delete(deeper, 3, 4), &got); errors.As(err, &tooDeep) {
		t.Errorf("32 levels decode with error %v", err)
	}
}

// fill gives every list and map one element.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		elem := reflect.New(v.Type().Elem()).Elem()
		fill(elem)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k"), elem)
	}
}

// TestDagCBORModels refuses models that would not come back.
func TestDagCBORModels(t *testing.T) {
	codec := DagCBOR[everything]()
	for _, c := range []struct {
		why string
		m   everything
	}{
		{"NaN", everything{F64: math.NaN()}},
		{"infinity", everything{F64: math.Inf(1)}},
		{"float32 NaN", everything{F32: float32(math.NaN())}},
		{"float32 infinity in a list", everything{Vector: []float32{1, float32(math.Inf(-1))}}},
		{"text", everything{S: "a\xff"}},
		{"text in a list", everything{Strings: []string{"", "\xc3"}}},
		{"text as a key", everything{Counts: map[email]uint{"\x80": 1}}},
		{"text in a nested map", everything{Nested: []place{{City: "\xed\xa0\x80"}}}},
		{"year 10000", everything{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{"year -1", everything{At: time.Date(-1, 12, 31, 0, 0, 0, 0, time.UTC)}},
		{"a long list", everything{Strings: make([]string, cborMaxElements+1)}},
		{"a failing marshaler", everything{Level: -1}},
	} {
		t.Run(c.why, func(t *testing.T) {
			dst := make([]byte, 3, 4096)
			copy(dst, "row")
			got, err := codec.Append(dst, &c.m)
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "models.everything") || string(got) != "row" {
				t.Errorf("encoded as %x with error %v", got, err)
			}
		})
	}
	longest := everything{Strings: make([]string, cborMaxElements)}
	value, err := codec.Append(nil, &longest)
	if err != nil {
		t.Fatal(err)
	}
	if err := codec.Decode(value, &longest); err != nil || len(longest.Strings) != cborMaxElements {
		t.Errorf("the longest list comes back with %d elements, error %v", len(longest.Strings), err)
	}
}

// target is what the hostile bytes below pretend to be.
type target struct {
	ID   uint8            `cbor:"id"`
	F    float32          `cbor:"f"`
	S    string           `cbor:"s"`
	B    []byte           `cbor:"b"`
	L    []uint16         `cbor:"l"`
	M    map[string]int64 `cbor:"m"`
	T    time.Time        `cbor:"t"`
	P    *bool            `cbor:"p"`
	Fix  [2]byte          `cbor:"fix"`
	Addr netip.Addr       `cbor:"addr"`
}

// canonicalTarget is a target, written as it should be.
const canonicalTarget = "aa" + "6162" + "4101" + "6166" + "fb3ff8000000000000" + "616c" + "821901001903e8" + "616d" + "a2616101626262" + "20" +
	"6170" + "f5" + "6173" + "6161" + "6174" + "74323030302d30312d30315430303a30303a30305a" +
	"626964" + "07" + "63666978" + "420102" + "6461646472" + "447f000001"

// TestDagCBORHostile changes a canonical value in one place. Some changes the
// decoder takes; those the canonical check has to refuse.
func TestDagCBORHostile(t *testing.T) {
	codec := DagCBOR[target]()
	value := unhex(t, canonicalTarget)
	var m target
	if err := codec.Decode(value, &m); err != nil {
		t.Fatal(err)
	}
	if err := checkCanonical(codec.Append, value, &m, make([]byte, 0, 8)); err != nil {
		t.Fatal(err)
	}
	decodes, refused := false, true
	for _, c := range []struct {
		why, from, to string
		refused       bool // by Decode already
	}{
		{"unknown field", "aa6162", "ab61780061" + "62", refused},
		{"unknown field for a known one", "6170f5", "6178f5", refused},
		{"field name in other case", "626964", "624944", refused},
		{"field name as bytes", "626964", "426964", refused},
		{"integer as field name", "626964", "182a", refused},
		{"field twice", "6170f5", "6170f5" + "6170f4", refused},
		{"field twice, counted", "aa6162", "ab6170f46162", refused},
		{"key twice in a map", "a2616101626262", "a26161016161", refused},
		{"integer as key of a map", "a2616101626262", "a20101626262", refused},
		{"trailing byte", "447f000001", "447f00000100", refused},
		{"fewer fields than counted", "aa6162", "ab6162", refused},
		{"more fields than counted", "aa6162", "a96162", refused},
		{"map of indefinite length", canonicalTarget, "bf" + canonicalTarget[2:] + "ff", refused},
		{"list of indefinite length", "821901001903e8", "9f1901001903e8ff", refused},
		{"text of indefinite length", "6173" + "6161", "61737f6161ff", refused},
		{"bytes of indefinite length", "61624101", "61625f4101ff", refused},
		{"tag", "6170f5", "6170c0f5", refused},
		{"tagged time", "6174" + "74", "6174c074", refused},
		{"self-described", "aa6162", "d9d9f7aa6162", refused},
		{"link", "61624101", "6162d82a4101", refused},
		{"NaN", "fb3ff8000000000000", "fb7ff8000000000000", refused},
		{"NaN of 16 bits", "fb3ff8000000000000", "f97e00", refused},
		{"infinity", "fb3ff8000000000000", "fb7ff0000000000000", refused},
		{"float beyond 32 bits", "fb3ff8000000000000", "fb7fefffffffffffff", refused},
		{"text that is not UTF-8", "6173" + "6161", "617361ff", refused},
		{"key that is not UTF-8", "6161" + "01", "61ff01", refused},
		{"integer beyond its type", "626964" + "07", "626964190100", refused},
		{"negative where there is none", "626964" + "07", "62696420", refused},
		{"integer below 64 bits", "626262" + "20", "6262623bffffffffffffffff", refused},
		{"text for an integer", "626964" + "07", "6269646137", refused},
		{"bytes for text", "6173" + "6161", "61734161", refused},
		{"text for bytes", "61624101", "61626101", refused},
		{"map for a list", "821901001903e8", "a1190100" + "1903e8", refused},
		{"list for a map", "a2616101626262" + "20", "80", refused},
		{"list for the model", canonicalTarget, "80", refused},
		{"null for the model", canonicalTarget, "f6", refused},
		{"undefined for the model", canonicalTarget, "f7", refused},
		{"nothing", canonicalTarget, "", refused},
		{"address of five bytes", "447f000001", "457f00000100", refused},
		{"time that is none", "74323030302d", "74323030302f", refused},
		{"list longer than the data", "821901001903e8", "9a7fffffff1901001903e8", refused},
		// The library cuts a count to an int before it looks at it.
		{"list of 2^63 elements", "821901001903e8", "9b8000000000000000", strconv.IntSize == 64},
		{"bytes of 2^64-1", "61624101", "61625bffffffffffffffff01", refused},
		{"text longer than the data", "447f000001", "7affffffff", refused},
		{"break alone", "6170f5", "6170ff", refused},
		{"reserved head", "6170f5", "61701c", refused},
		{"33 lists", "821901001903e8", strings.Repeat("81", 33) + "00", refused},
		{"10000 lists", "821901001903e8", strings.Repeat("81", 10000), refused},

		{"lacking field", "aa6162" + "4101", "a9", decodes},
		{"no fields", canonicalTarget, "a0", decodes},
		{"fields in another order", "6170f5" + "6173" + "6161", "6173" + "61616170f5", decodes},
		{"keys in another order", "616101626262" + "20", "62626220616101", decodes},
		{"long integer", "626964" + "07", "6269641807", decodes},
		{"long integer of 64 bits", "626964" + "07", "6269641b0000000000000007", decodes},
		{"long length of text", "6173" + "6161", "6173780161", decodes},
		{"long length of bytes", "61624101", "6162580101", decodes},
		{"long count of a list", "821901001903e8", "98021901001903e8", decodes},
		{"long count of the map", "aa6162", "b80a6162", decodes},
		{"long field name", "626964", "78026964", decodes},
		{"float of 16 bits", "fb3ff8000000000000", "f93e00", decodes},
		{"float of 32 bits", "fb3ff8000000000000", "fa3fc00000", decodes},
		{"float with more digits than it has", "fb3ff8000000000000", "fb3ff8000000000001", decodes},
		{"integer for a float", "fb3ff8000000000000", "01", decodes},
		{"null for text", "6173" + "6161", "6173f6", decodes},
		{"null for bytes", "61624101", "6162f6", decodes},
		{"null for a list", "821901001903e8", "f6", decodes},
		{"undefined for a pointer", "6170f5", "6170f7", decodes},
		{"integer for a time", "74323030302d30312d30315430303a30303a30305a", "00", decodes},
		{"time in another zone", "74323030302d30312d30315430303a30303a30305a", "7819323030302d30312d30315430313a30303a30302b30313a3030", decodes},
		{"time with zeros at its end", "74323030302d30312d30315430303a30303a30305a", "7818323030302d30312d30315430303a30303a30302e3030305a", decodes},
		{"array too short", "420102", "4101", decodes},
		{"array too long", "420102", "43010203", decodes},
		{"list for bytes", "61624101", "61628101", decodes},
	} {
		t.Run(c.why, func(t *testing.T) {
			if strings.Count(canonicalTarget, c.from) != 1 {
				t.Fatalf("%s is not once in the value", c.from)
			}
			hostile := unhex(t, strings.Replace(canonicalTarget, c.from, c.to, 1))
			m := target{S: "before"}
			err := codec.Decode(hostile, &m)
			if c.refused {
				if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "models.target") {
					t.Errorf("decoded as %+v with error %v", m, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("Decode refuses it: %v", err)
			}
			if err := checkCanonical(codec.Append, hostile, &m, nil); !errors.Is(err, ErrInvalid) {
				t.Errorf("canonical as %+v, error %v", m, err)
			}
		})
	}
	for n := range value {
		if err := codec.Decode(value[:n], &m); !errors.Is(err, ErrInvalid) {
			t.Errorf("cut to %d bytes it decodes with error %v", n, err)
		}
	}
}

// TestDagCBORCanonicalSays checks that the refusal says where the two differ.
func TestDagCBORCanonicalSays(t *testing.T) {
	codec := DagCBOR[target]()
	value := bytes.Replace(unhex(t, canonicalTarget), unhex(t, "62696407"), unhex(t, "6269641807"), 1)
	var m target
	if err := codec.Decode(value, &m); err != nil {
		t.Fatal(err)
	}
	err := checkCanonical(codec.Append, value, &m, nil)
	if err == nil || !strings.Contains(err.Error(), "byte 68 of 87") {
		t.Errorf("error %v", err)
	}
	// A time that decodes and has no form.
	value = bytes.Replace(unhex(t, canonicalTarget), unhex(t, "74323030302d30312d30315430303a30303a30305a"), unhex(t, "1b0000100000000000"), 1)
	if err := codec.Decode(value, &m); err != nil {
		t.Fatal(err)
	}
	if err := checkCanonical(codec.Append, value, &m, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v", err)
	}
}
