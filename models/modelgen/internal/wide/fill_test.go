package wide_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/wide"
	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/wide/geo"
)

// filler sets values at random, and prefers values at the edges.
type filler struct {
	*rand.Rand
	// bad says how many of a thousand values cannot be encoded.
	bad int
}

func (f filler) fill(v reflect.Value) {
	var known any
	if v.CanInterface() { // false for an embedded struct that is not exported
		known = v.Addr().Interface()
	}
	switch p := known.(type) {
	case *time.Time:
		*p = f.time()
		return
	case *wide.Level:
		if *p = wide.Level(f.IntN(3)); f.IntN(1000) < f.bad {
			*p = 7
		}
		return
	case *wide.Secret:
		*p = wide.NewSecret(strings.ToLower(f.ascii()))
		return
	case *netip.Addr:
		*p = []netip.Addr{{}, netip.IPv4Unspecified(), netip.MustParseAddr("fe80::1%eth0")}[f.IntN(3)]
		return
	case *url.URL:
		*p = url.URL{Scheme: "https", Host: "example.org", Path: "/" + f.ascii()}
		return
	case *big.Float:
		p.SetFloat64(f.Float64())
		return
	case *geo.Well:
		p.Deepen(uint16(f.Uint32()))
		p.Name = f.ascii()
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.bits())
	case reflect.Float32, reflect.Float64:
		v.SetFloat(f.float())
	case reflect.String:
		if v.SetString(f.ascii()); f.IntN(1000) < f.bad {
			v.SetString("\xff")
		}
	case reflect.Pointer:
		if f.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem())
		}
	case reflect.Slice:
		if f.IntN(4) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), f.length(), 40))
		}
		f.elements(v)
	case reflect.Array:
		if f.IntN(4) > 0 {
			f.elements(v)
		}
	case reflect.Map:
		if f.IntN(4) == 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range f.length() {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key)
			f.fill(elem)
			v.SetMapIndex(key, elem)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); !field.IsExported() && !field.Anonymous {
				continue
			}
			if f.IntN(8) > 0 {
				f.fill(v.Field(i))
			}
		}
	}
}

func (f filler) elements(v reflect.Value) {
	for i := range v.Len() {
		f.fill(v.Index(i))
	}
}

// length is short, or long enough for heads of two bytes and for maps that are sorted on the
// heap.
func (f filler) length() int {
	if f.IntN(8) == 0 {
		return 17 + f.IntN(20)
	}
	return f.IntN(4)
}

// bits has a random number of bits, so that heads of all lengths occur.
func (f filler) bits() uint64 { return f.Uint64() >> f.IntN(64) }

func (f filler) float() float64 {
	if f.IntN(1000) < f.bad {
		return []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[f.IntN(3)]
	}
	return []float64{0, math.Copysign(0, -1), 1.5, -0.1, f.NormFloat64(), math.MaxFloat32, math.SmallestNonzeroFloat32}[f.IntN(7)]
}

func (f filler) ascii() string {
	const letters = "abcXYZ 09é~\"\\\n"
	runes := []rune(letters)
	text := make([]rune, f.length())
	for i := range text {
		text[i] = runes[f.IntN(len(runes))]
	}
	return string(text)
}

func (f filler) time() time.Time {
	switch f.IntN(6) {
	case 0:
		return time.Time{}
	case 1:
		if f.IntN(1000) < f.bad {
			return time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		return time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -3600+1800))
	case 2:
		return time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	default:
		return time.Unix(f.Int64N(4e9), f.Int64N(1e9)).In(time.FixedZone("X", f.IntN(7200)))
	}
}
