package wide_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/wide"
)

// pair is the two codecs of a model.
type pair[M any] struct {
	generated, reflected models.Codec[M]
	view                 borrower
}

var (
	things    = pair[wide.Thing]{wide.ThingCodec{}, models.DagCBOR[wide.Thing](), borrowThing}
	optionals = pair[wide.Optional]{wide.OptionalCodec{}, models.DagCBOR[wide.Optional](), borrowOptional}
	items     = pair[wide.Item]{wide.ItemCodec{}, models.DagCBOR[wide.Item](), borrowItem}
)

func TestFields(t *testing.T) {
	sameFields(t, things)
	sameFields(t, optionals)
	sameFields(t, items)
}

func sameFields[M any](t *testing.T, p pair[M]) {
	t.Helper()
	generated, reflected := p.generated, p.reflected
	if err := reflected.(interface{ Err() error }).Err(); err != nil {
		t.Fatal(err)
	}
	if generated.Name() != reflected.Name() {
		t.Errorf("generated codec is %q, reflected one %q", generated.Name(), reflected.Name())
	}
	if got, want := generated.Fields(), reflected.Fields(); !reflect.DeepEqual(got, want) {
		t.Errorf("generated fields are\n%v\nreflected ones\n%v", got, want)
	}
}

// FuzzModels compares the codecs on random models, and on their encoded bytes with some bytes
// changed.
func FuzzModels(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		compareModels(t, things, seed)
		compareModels(t, optionals, seed)
		compareModels(t, items, seed)
	})
}

// FuzzBytes compares which bytes the codecs accept.
func FuzzBytes(f *testing.F) {
	fill := filler{Rand: rand.New(rand.NewPCG(1, 2))}
	for range 4 {
		var thing wide.Thing
		fill.fill(reflect.ValueOf(&thing).Elem())
		encoded, err := wide.ThingCodec{}.Append(nil, &thing)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
		var optional wide.Optional
		fill.fill(reflect.ValueOf(&optional).Elem())
		if encoded, err = (wide.OptionalCodec{}).Append(nil, &optional); err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		boundBytes(t, things, src)
		boundBytes(t, optionals, src)
		boundBytes(t, items, src)
		compareBytes(t, things, src)
		compareBytes(t, optionals, src)
		compareBytes(t, items, src)
	})
}

func compareModels[M any](t *testing.T, p pair[M], seed uint64) {
	t.Helper()
	fill := filler{Rand: rand.New(rand.NewPCG(seed, 1))}
	if seed%4 == 0 {
		fill.bad = 3
	}
	var m M
	fill.fill(reflect.ValueOf(&m).Elem())

	prefix := []byte("before")
	want, wantErr := p.reflected.Append(prefix, &m)
	got, err := p.generated.Append(prefix, &m)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("generated codec: %v\nreflected codec: %v", err, wantErr)
	}
	if err != nil && !errors.Is(err, models.ErrInvalid) {
		t.Fatalf("error is not of the kind ErrInvalid: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("generated codec writes\n%x\nreflected codec\n%x", got, want)
	}
	if err != nil {
		return
	}
	encoded := got[len(prefix):]
	if compareBytes(t, p, encoded); t.Failed() {
		return
	}
	for range 40 {
		changed := bytes.Clone(encoded)
		switch at := fill.IntN(len(changed)); fill.IntN(4) {
		case 0:
			changed[at] ^= 1 << fill.IntN(8)
		case 1:
			changed[at] = []byte{0xF6, 0xF7, 0xFB, 0x60, 0x40, 0x80, 0xA0, 0x00, 0x20, 0x18, 0x5F, 0xC0}[fill.IntN(12)]
		case 2:
			changed = append(changed[:at], changed[at+1:]...)
		default:
			changed = changed[:at]
		}
		compareBytes(t, p, changed)
	}
}

// compareBytes checks that both codecs decode src to the same model. The generated codec
// refuses some forms that no codec writes and the reflected one accepts.
func compareBytes[M any](t *testing.T, p pair[M], src []byte) {
	t.Helper()
	var got, want M
	original := bytes.Clone(src)
	err, wantErr := p.generated.Decode(src, &got), p.reflected.Decode(src, &want)
	if !bytes.Equal(src, original) {
		t.Fatal("decoding changes its input")
	}
	canonical := false
	if wantErr == nil {
		again, err := p.reflected.Append(nil, &want)
		canonical = err == nil && bytes.Equal(again, src)
	}
	if err != nil {
		if !errors.Is(err, models.ErrInvalid) {
			t.Fatalf("error is not of the kind ErrInvalid: %v", err)
		}
		if canonical {
			t.Fatalf("generated codec refuses %x\n%v", src, err)
		}
		return
	}
	if wantErr != nil {
		t.Fatalf("generated codec takes %x\nreflected codec: %v", src, wantErr)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("generated codec reads %x as\n%+v\nreflected codec as\n%+v", src, got, want)
	}
	again, err := p.generated.Append(nil, &got)
	if (err == nil && bytes.Equal(again, src)) != canonical {
		t.Fatalf("codecs differ on whether %x is canonical", src)
	}
	// A view has values that marshal themselves as they are written, whatever
	// the spelling.
	if err := p.view(src, reflect.ValueOf(got), canonical); err != nil {
		t.Fatalf("view of %x: %v", src, err)
	}
}
