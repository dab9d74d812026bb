package models

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"pgregory.net/rapid"
)

// everything has a field of every kind that a model can have.
type everything struct {
	U8   uint8
	U16  uint16
	U32  uint32
	U64  uint64
	U    uint
	I8   int8
	I16  int16
	I32  int32
	I64  int64
	I    int
	B    bool
	F32  float32
	F64  float64
	S    string
	Raw  []byte
	Hash [4]byte
	At   time.Time

	Named   userID         `cbor:"id"`
	Renamed string         `json:"a name longer than twenty-three bytes"`
	Maybe   *int32         `cbor:"maybe"`
	Spare   string         `cbor:"spare,omitempty"`
	Rest    time.Time      `cbor:"rest,omitzero"`
	Strings []string       `cbor:"strings"`
	Blobs   [][]byte       `cbor:"blobs"`
	Vector  []float32      `cbor:"vector"`
	Two     [2]int16       `cbor:"two"`
	Counts  map[email]uint `cbor:"counts"`
	Nested  []place        `cbor:"nested"`
	Where   *place         `cbor:"where"`
	Addr    netip.Addr     `cbor:"addr"`
	Level   level          `cbor:"level"`
	base

	Skipped string `cbor:"-"`
	hidden  string
}

// base is embedded; its fields are those of the outer struct.
type base struct {
	Version int
}

type place struct {
	City string             `cbor:"city"`
	At   map[string]float64 `cbor:"at"`
}

// level writes itself as text.
type level int

func (l level) MarshalText() ([]byte, error) {
	if l < 0 {
		return nil, errors.New("not a level")
	}
	return []byte(strings.Repeat("!", int(l))), nil
}

func (l *level) UnmarshalText(text []byte) error {
	if strings.Trim(string(text), "!") != "" {
		return errors.New("not a level")
	}
	*l = level(len(text))
	return nil
}

// everyFields is what the codec says of the fields of everything.
const everyFields = `U8 uint8, U16 uint16, U32 uint32, U64 uint64, U uint64, I8 int8, I16 int16, I32 int32, I64 int64, I int64, ` +
	`B bool, F32 float32, F64 float64, S string, Raw bytes, Hash bytes[4], At time, id uint32, ` +
	`a name longer than twenty-three bytes string, maybe optional(int32), spare string omitted where empty, rest time omitted where empty, ` +
	`strings list(string), blobs list(bytes), vector list(float32), two list[2](int16), counts map(uint64), ` +
	`nested list(struct{city string, at map(float64)}), where optional(struct{city string, at map(float64)}), addr bytes, level string, Version int64`

// drawEverything gives models that come back as they went in: no nil slices or
// maps, and times in UTC.
var drawEverything = rapid.Custom(func(t *rapid.T) everything {
	text := rapid.OneOf(rapid.String(), rapid.StringN(20, 300, -1))
	drawPlace := rapid.Custom(func(t *rapid.T) place {
		return place{
			City: text.Draw(t, "city"),
			At:   rapid.MapOfN(rapid.String(), rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64), 0, 4).Draw(t, "at"),
		}
	})
	m := everything{
		U8: rapid.Uint8().Draw(t, "u8"), U16: someUint16.keys.Draw(t, "u16"), U32: someUint32.keys.Draw(t, "u32"),
		U64: someUint64.keys.Draw(t, "u64"), U: someUint.keys.Draw(t, "u"),
		I8: rapid.Int8().Draw(t, "i8"), I16: someInt16.keys.Draw(t, "i16"), I32: someInt32.keys.Draw(t, "i32"),
		I64: someInt64.keys.Draw(t, "i64"), I: someInt.keys.Draw(t, "i"),
		B: rapid.Bool().Draw(t, "b"), S: text.Draw(t, "s"), Raw: trickyBytes.Draw(t, "raw"), Hash: [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "hash")),
		F32:     finite(rapid.Float32()).Draw(t, "f32"),
		F64:     finite(rapid.Float64()).Draw(t, "f64"),
		At:      drawTime.Draw(t, "at"),
		Named:   someUserID.keys.Draw(t, "named"),
		Renamed: text.Draw(t, "renamed"),
		Spare:   rapid.StringN(0, 3, -1).Draw(t, "spare"),
		Rest:    drawTime.Draw(t, "rest"),
		Strings: rapid.SliceOfN(text, 0, 30).Draw(t, "strings"),
		Blobs:   rapid.SliceOfN(trickyBytes, 0, 4).Draw(t, "blobs"),
		Vector:  rapid.SliceOfN(finite(rapid.Float32()), 0, 30).Draw(t, "vector"),
		Two:     [2]int16{someInt16.keys.Draw(t, "one"), someInt16.keys.Draw(t, "two")},
		Counts:  rapid.MapOfN(rapid.Map(rapid.String(), func(s string) email { return email(s) }), rapid.Uint(), 0, 8).Draw(t, "counts"),
		Nested:  rapid.SliceOfN(drawPlace, 0, 3).Draw(t, "nested"),
		Where:   rapid.Ptr(drawPlace, true).Draw(t, "where"),
		Maybe:   rapid.Ptr(rapid.Int32(), true).Draw(t, "maybe"),
		Addr:    rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("fe80::1%eth0")}).Draw(t, "addr"),
		Level:   level(rapid.IntRange(0, 30).Draw(t, "level")),
		base:    base{Version: rapid.Int().Draw(t, "version")},
	}
	return m
})

func finite[F float32 | float64](all *rapid.Generator[F]) *rapid.Generator[F] {
	return all.Filter(func(f F) bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) })
}

var drawTime = rapid.Custom(func(t *rapid.T) time.Time {
	year0 := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	year9999 := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
	seconds := rapid.OneOf(rapid.Just(int64(-unixToYear1)), rapid.Int64Range(year0, year9999)).Draw(t, "seconds")
	nanos := rapid.SampledFrom([]int64{0, 1, 500_000_000, 999_999_999}).Draw(t, "nanoseconds")
	return time.Unix(seconds, nanos).UTC()
})

// TestDagCBORAgainstIPLD compares what the codec writes with what go-ipld-prime
// writes for the same data, put together by hand.
func TestDagCBORAgainstIPLD(t *testing.T) {
	codec := DagCBOR[everything]()
	rapid.Check(t, func(t *rapid.T) {
		m := drawEverything.Draw(t, "model")
		got, err := codec.Append(nil, &m)
		if err != nil {
			t.Fatal(err)
		}
		if want := writtenByIPLD(t, m.data()); !bytes.Equal(got, want) {
			t.Fatalf("the codec writes\n%x\ngo-ipld-prime writes\n%x", got, want)
		}
		// And it reads it: canonical, or it would refuse.
		if err := dagcbor.Decode(basicnode.Prototype.Any.NewBuilder(), bytes.NewReader(got)); err != nil {
			t.Fatalf("go-ipld-prime refuses %x: %v", got, err)
		}
	})
}

// data is the model as maps, lists and scalars.
func (m everything) data() map[string]any {
	data := map[string]any{
		"U8": uint64(m.U8), "U16": uint64(m.U16), "U32": uint64(m.U32), "U64": m.U64, "U": uint64(m.U),
		"I8": int64(m.I8), "I16": int64(m.I16), "I32": int64(m.I32), "I64": m.I64, "I": int64(m.I),
		"B": m.B, "F32": float64(m.F32), "F64": m.F64, "S": m.S, "Raw": m.Raw, "Hash": m.Hash[:], "At": timeData(m.At),
		"id": uint64(m.Named), "a name longer than twenty-three bytes": m.Renamed,
		"maybe": nil, "where": nil, "two": []any{int64(m.Two[0]), int64(m.Two[1])},
		"level": strings.Repeat("!", int(m.Level)), "Version": int64(m.Version),
	}
	if m.Maybe != nil {
		data["maybe"] = int64(*m.Maybe)
	}
	if m.Spare != "" {
		data["spare"] = m.Spare
	}
	if !m.Rest.IsZero() {
		data["rest"] = timeData(m.Rest)
	}
	if m.Where != nil {
		data["where"] = m.Where.data()
	}
	strs, blobs, vector, nested, counts := []any{}, []any{}, []any{}, []any{}, map[string]any{}
	for _, s := range m.Strings {
		strs = append(strs, s)
	}
	for _, b := range m.Blobs {
		blobs = append(blobs, b)
	}
	for _, f := range m.Vector {
		vector = append(vector, float64(f))
	}
	for _, p := range m.Nested {
		nested = append(nested, p.data())
	}
	for k, v := range m.Counts {
		counts[string(k)] = uint64(v)
	}
	data["strings"], data["blobs"], data["vector"], data["nested"], data["counts"] = strs, blobs, vector, nested, counts
	addr, _ := m.Addr.MarshalBinary()
	data["addr"] = addr
	return data
}

func (p place) data() map[string]any {
	at := map[string]any{}
	for k, v := range p.At {
		at[k] = v
	}
	return map[string]any{"city": p.City, "at": at}
}

func timeData(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Format(time.RFC3339Nano)
}

func writtenByIPLD(t *rapid.T, data map[string]any) []byte {
	builder := basicnode.Prototype.Any.NewBuilder()
	if err := assemble(builder, data); err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	if err := dagcbor.Encode(builder.Build(), &written); err != nil {
		t.Fatal(err)
	}
	return written.Bytes()
}

func assemble(to datamodel.NodeAssembler, data any) error {
	switch v := data.(type) {
	case nil:
		return to.AssignNull()
	case bool:
		return to.AssignBool(v)
	case int64:
		return to.AssignInt(v)
	case uint64:
		return to.AssignNode(basicnode.NewUint(v))
	case float64:
		return to.AssignFloat(v)
	case string:
		return to.AssignString(v)
	case []byte:
		return to.AssignBytes(v)
	case []any:
		list, err := to.BeginList(int64(len(v)))
		for _, elem := range v {
			if err == nil {
				err = assemble(list.AssembleValue(), elem)
			}
		}
		return errors.Join(err, list.Finish())
	case map[string]any:
		m, err := to.BeginMap(int64(len(v)))
		for key, elem := range v {
			if err == nil {
				err = errors.Join(m.AssembleKey().AssignString(key), assemble(m.AssembleValue(), elem))
			}
		}
		return errors.Join(err, m.Finish())
	default:
		return fmt.Errorf("no IPLD for %T", data)
	}
}

func TestDagCBORRoundTrip(t *testing.T) {
	codec := DagCBOR[everything]()
	var decoded everything // the same one again and again: it must be overwritten
	rapid.Check(t, func(t *rapid.T) {
		m := drawEverything.Draw(t, "model")
		m.Skipped, m.hidden = "not written", "not written"
		before := trickyBytes.Draw(t, "before")
		appended, err := codec.Append(slices.Clone(before), &m)
		if err != nil {
			t.Fatal(err)
		}
		value, err := codec.Append(nil, &m)
		if err != nil || !bytes.Equal(appended, slices.Concat(before, value)) {
			t.Fatalf("appended to %x it is %x, by itself %x, error %v", before, appended, value, err)
		}
		src := slices.Clone(value)
		if err := codec.Decode(src, &decoded); err != nil {
			t.Fatal(err)
		}
		clear(src) // of which nothing may be kept
		m.Skipped, m.hidden = "", ""
		if !reflect.DeepEqual(decoded, m) {
			t.Fatalf("decoded\n%+v\nfrom\n%+v", decoded, m)
		}
		if err := checkCanonical(codec.Append, value, &decoded, nil); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDagCBORNil says what becomes of what has no form of its own.
func TestDagCBORNil(t *testing.T) {
	codec := DagCBOR[everything]()
	value, err := codec.Append(nil, &everything{Where: &place{}})
	if err != nil {
		t.Fatal(err)
	}
	var got everything
	if err := codec.Decode(value, &got); err != nil {
		t.Fatal(err)
	}
	want := everything{
		Raw: []byte{}, Strings: []string{}, Blobs: [][]byte{}, Vector: []float32{}, Counts: map[email]uint{}, Nested: []place{},
		Where: &place{At: map[string]float64{}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("a zero model comes back as %+v", got)
	}

	type moment struct{ At *time.Time }
	moments := DagCBOR[moment]()
	value, err = moments.Append(nil, &moment{At: new(time.Time)})
	if err != nil || !bytes.Equal(value, unhex(t, "a1624174f6")) {
		t.Errorf("a pointer to the zero time is written as %x, error %v", value, err)
	}
}

func TestDagCBORFields(t *testing.T) {
	codec := DagCBOR[everything]()
	var got []string
	described := map[string]bool{}
	for _, f := range codec.Fields() {
		omit := ""
		if f.Omit {
			omit = " omitted where empty"
		}
		got = append(got, f.Name+" "+f.Type.String()+omit)
		described[f.Name] = true
	}
	if got := strings.Join(got, ", "); got != everyFields {
		t.Errorf("fields are %s", got)
	}
	if codec.Name() != "dag-cbor" {
		t.Errorf("name is %q", codec.Name())
	}
	// The names described are the names written.
	value, err := codec.Append(nil, &everything{Spare: "x", Rest: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	builder := basicnode.Prototype.Any.NewBuilder()
	if err := dagcbor.Decode(builder, bytes.NewReader(value)); err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for it := builder.Build().MapIterator(); !it.Done(); {
		key, _, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		name, _ := key.AsString()
		written[name] = true
	}
	if !maps.Equal(written, described) {
		t.Errorf("fields written are %v, described %v", written, described)
	}
}

// TestDagCBORBytes shows the bytes of a small model.
func TestDagCBORBytes(t *testing.T) {
	type small struct {
		ID    uint64 `cbor:"id"`
		Name  string `cbor:"name"`
		Score float32
		Tags  map[string]int8 `cbor:"tags"`
		Gone  *string         `cbor:"gone"`
	}
	value, err := DagCBOR[small]().Append(nil, &small{ID: 300, Name: "é", Score: 1.5, Tags: map[string]int8{"bb": -1, "c": 0, "aa": 1}})
	want := "a5" +
		"626964" + "19012c" +
		"64676f6e65" + "f6" +
		"646e616d65" + "62c3a9" +
		"6474616773" + "a3" + "6163" + "00" + "626161" + "01" + "626262" + "20" +
		"6553636f7265" + "fb3ff8000000000000"
	if err != nil || !bytes.Equal(value, unhex(t, want)) {
		t.Errorf("written as\n%x, not\n%s, error %v", value, want, err)
	}
}

// TestDagCBORSteady encodes maps often enough to see their order change.
func TestDagCBORSteady(t *testing.T) {
	codec := DagCBOR[everything]()
	m := everything{Counts: map[email]uint{}}
	for i := range uint(100) {
		m.Counts[email(strings.Repeat("k", int(i%7))+fmt.Sprint(i))] = i
	}
	first, err := codec.Append(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		m.Counts = maps.Clone(m.Counts)
		if again, err := codec.Append(nil, &m); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("the same model is written as %x and as %x, error %v", first, again, err)
		}
	}
}

func TestDagCBORAllocations(t *testing.T) {
	codec := DagCBOR[article]()
	m := testArticle
	value, err := codec.Append(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, len(value))
	if got := testing.AllocsPerRun(100, func() { _, _ = codec.Append(dst, &m) }); got != 0 {
		t.Errorf("encoding where there is room allocates %v times", got)
	}
	if got := testing.AllocsPerRun(100, func() { _ = codec.Decode(value, &m) }); got != 2 {
		t.Errorf("decoding a model of two strings allocates %v times", got)
	}
}
