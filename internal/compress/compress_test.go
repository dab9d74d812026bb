package compress_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/internal/compress"
	"pgregory.net/rapid"
)

func dictionary(tb testing.TB, content []byte) *compress.Dictionary {
	tb.Helper()
	d, err := compress.New(content)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// check compresses a value and restores it, with this package and with a decoder of its own.
func check(tb testing.TB, d *compress.Dictionary, value []byte) {
	tb.Helper()
	before := []byte("before")
	out, ok := d.Append(before, value)
	frame := out[len(before):]
	if !ok {
		if len(frame) > 0 {
			tb.Fatalf("a value that does not shrink leaves %d bytes", len(frame))
		}
		return
	}
	if len(frame) >= len(value) {
		tb.Fatalf("%d bytes became %d", len(value), len(frame))
	}
	if size, err := compress.Size(frame); err != nil || size != len(value) {
		tb.Fatalf("size %d (%v) of a value of %d bytes", size, err, len(value))
	}
	got, err := d.Expand(frame)
	if err != nil || !bytes.Equal(got, value) {
		tb.Fatalf("%v: a value of %d bytes is restored as %d others", err, len(value), len(got))
	}
	for name, expand := range map[string]func(*compress.Dictionary, []byte) ([]byte, error){
		"its own": compress.ExpandOwn, "a zstd": compress.ExpandOther,
	} {
		if got, err := expand(d, frame); err != nil || !bytes.Equal(got, value) {
			tb.Fatalf("%v: %s decoder restores a value of %d bytes as %d others", err, name, len(value), len(got))
		}
	}
}

func TestValuesOfAllKinds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	text := bytes.Repeat([]byte("the same words again and again, but for 1, 2 or 3; "), 1000)
	dictionaries := map[string][]byte{
		"noise": noise(compress.MaxContent), "text": text[:1000], "zeros": make([]byte, 8), "short": []byte("12345678"),
	}
	values := map[string][]byte{
		"zeros": make([]byte, 300_000), "text": text[3:], "noise": noise(1000), "ramp": nil,
		"noise in text": append(append(append([]byte(nil), text...), noise(200_000)...), text...),
		"largest":       bytes.Repeat(text, compress.MaxValue/len(text)+1)[:compress.MaxValue],
	}
	for i := range 70_000 {
		values["ramp"] = append(values["ramp"], byte(i), byte(i>>8))
	}
	for name, content := range dictionaries {
		d := dictionary(t, content)
		for kind, value := range values {
			t.Run(fmt.Sprint(name, "/", kind), func(t *testing.T) { check(t, d, value) })
		}
		for n := range 700 { // every length where headers change, with matches at the end
			check(t, d, text[:n])
			check(t, d, append(noise(n/2), content[:min(len(content), n)]...))
		}
	}
	d := dictionary(t, text[:1000])
	for n := 65_700; n < 65_900; n++ { // the length takes more bytes, and so do literals
		check(t, d, text[:min(n, len(text))])
		check(t, d, append(noise(4_000+n%200), make([]byte, n-4_000)...))
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 12), 1, 20).Draw(t, "words")
		made := rapid.Custom(func(t *rapid.T) []byte {
			return bytes.Join(rapid.SliceOfN(rapid.SampledFrom(words), 4, 200).Draw(t, "parts"), nil)
		})
		content := append(made.Draw(t, "content"), "12345678"...)
		d, err := compress.New(content)
		if err != nil {
			t.Fatal(err)
		}
		value := made.Draw(t, "value")
		frame, ok := d.Append(nil, value)
		if !ok {
			return
		}
		if got, err := d.Expand(frame); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("%v: %x restored as %x", err, value, got)
		}
	})
}

func TestValuesThatStayAsTheyAre(t *testing.T) {
	d := dictionary(t, bytes.Repeat([]byte("words and words, "), 10))
	random := rand.New(rand.NewPCG(1, 1))
	noise := make([]byte, 100)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for name, value := range map[string][]byte{
		"empty": nil, "short": make([]byte, compress.MinValue-1), "long": make([]byte, compress.MaxValue+1), "noise": noise,
	} {
		if out, ok := d.Append([]byte{7}, value); ok || len(out) != 1 {
			t.Errorf("%s: %t, %d bytes", name, ok, len(out))
		}
	}
}

func TestDamagedFrames(t *testing.T) {
	d, values := trained(t)
	whole, ok := d.Append(nil, values[0])
	if !ok {
		t.Fatal("the value does not shrink")
	}
	frames := map[string][]byte{
		"empty": nil, "other header": append([]byte{0x24}, whole[1:]...), "no length": {0xA0, 1, 2, 3},
		"length over the limit": {0xA0, 1, 0, 0x40, 0}, "huge length": {0xA0, 0xFF, 0xFF, 0xFF, 0xFF},
		"short length": {0x20, 1, 9, 0, 0, 7}, "cut": whole[:len(whole)-1], "more behind": append(bytes.Clone(whole), whole...),
		"two frames": append(append(bytes.Clone(whole), 0x28, 0xB5, 0x2F, 0xFD), whole...),
		// A block of 128 KiB zeros, in a frame that says 24 bytes.
		"longer than it says":  {0x20, 24, 0x03, 0x00, 0x10, 0},
		"shorter than it says": {0x20, 200, 0x23, 0x00, 0x00, 0},
	}
	for name, frame := range frames {
		if value, err := d.Expand(frame); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("%s: %d bytes, %v", name, len(value), err)
		}
	}
	for name, content := range map[string][]byte{
		"empty": nil, "short": make([]byte, 7), "long": make([]byte, compress.MaxContent+1),
		"of a kind that is not used": append([]byte{0x37, 0xA4, 0x30, 0xEC}, make([]byte, 100)...),
	} {
		if _, err := compress.New(content); !errors.Is(err, engine.ErrCorrupt) {
			t.Errorf("dictionary that is %s: %v", name, err)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	trained, values := trained(t)
	d := dictionary(t, trained.Content())
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for _, value := range values[:200] {
				frame, ok := d.Append(nil, value)
				if !ok {
					continue
				}
				if got, err := d.Expand(frame); err != nil || !bytes.Equal(got, value) {
					t.Errorf("%v: %q restored as %q", err, value, got)
				}
			}
		})
	}
	workers.Wait()
}

func TestTrain(t *testing.T) {
	values := records(t)
	sample := func(values [][]byte) *compress.Sample {
		var s compress.Sample
		for _, value := range values {
			s.Add(value)
		}
		return &s
	}
	first, ratio := sample(values).Train(nil)
	if first == nil || ratio > 0.4 {
		t.Fatalf("ratio %.3f of records that are alike", ratio)
	}
	if again, same := sample(values).Train(first); again != nil || same != ratio {
		t.Errorf("a dictionary of the same values replaces itself: %.3f and %.3f", ratio, same)
	}
	for i, value := range values {
		values[i] = bytes.ReplaceAll(value, []byte("e"), []byte("xyzzy"))
	}
	second, better := sample(values).Train(first)
	if second == nil || better >= ratio {
		t.Errorf("no new dictionary for values that have changed: %.3f and %.3f", ratio, better)
	}

	random := rand.New(rand.NewPCG(1, 1))
	noise := make([][]byte, 500)
	for i := range noise {
		noise[i] = make([]byte, 200)
		for j := range noise[i] {
			noise[i][j] = byte(random.Uint32())
		}
	}
	if d, ratio := sample(noise).Train(nil); d != nil || ratio != 1 {
		t.Errorf("noise gets a dictionary: %.3f", ratio)
	}
	for _, few := range [][][]byte{nil, {nil}, {nil, nil, nil}, {[]byte("a")}, {[]byte("12345678")}, {make([]byte, 9), nil}} {
		if d, ratio := sample(few).Train(nil); d != nil || ratio != 1 {
			t.Errorf("%d values get a dictionary: %.3f", len(few), ratio)
		}
	}
	large := make([][]byte, 100)
	for i := range large {
		large[i] = bytes.Repeat([]byte("large values are cut"), 20_000)
	}
	if d, _ := sample(large).Train(nil); d == nil || len(d.Content()) > compress.MaxContent {
		t.Error("large values get no dictionary, or one that is too large")
	}
}

func TestSampleIsBounded(t *testing.T) {
	for size, most := range map[int]int{0: 2048, 100: 2048, 1000: 230, 10_000_000: 57} {
		var s compress.Sample
		n := 1
		for !s.Add(make([]byte, size)) {
			n++
		}
		if n > most {
			t.Errorf("%d values of %d bytes", n, size)
		}
	}
}

// TestFramesOfOthers restores frames that this version does not write: with tables of their own, and
// blocks of one byte again and again.
func TestFramesOfOthers(t *testing.T) {
	d, values := trained(t)
	e, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(0, d.Content()), zstd.WithEncoderCRC(false),
		zstd.WithSingleSegment(true), zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		t.Fatal(err)
	}
	values = append(values[:100:100], bytes.Join(values, nil), make([]byte, 300_000))
	for _, value := range values {
		frame := e.EncodeAll(value, nil)[4:]
		if got, err := d.Expand(frame); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("%v: %d bytes restored as %d", err, len(value), len(got))
		}
	}
}

// FuzzExpand restores frames that anybody can have written. If this package's decoder takes one, it
// means what other decoders take it for.
func FuzzExpand(f *testing.F) {
	d, values := trained(f)
	for _, value := range values[:20] {
		frame, _ := d.Append(nil, value)
		f.Add(frame)
	}
	f.Add([]byte{0x20, 24, 0x03, 0x00, 0x10, 0})
	f.Fuzz(func(t *testing.T, frame []byte) {
		value, err := d.Expand(frame)
		if err != nil {
			if !errors.Is(err, engine.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if size, err := compress.Size(frame); err != nil || size != len(value) || cap(value) > compress.MaxValue {
			t.Fatalf("%d bytes in %d, the frame says %d (%v)", len(value), cap(value), size, err)
		}
		if own, err := compress.ExpandOwn(d, frame); err == nil {
			if other, err := compress.ExpandOther(d, frame); err != nil || !bytes.Equal(own, other) {
				t.Fatalf("another decoder: %v, %x and %x", err, own, other)
			}
		}
	})
}

// FuzzAppend restores what it compresses.
func FuzzAppend(f *testing.F) {
	_, values := trained(f)
	for _, value := range values[:20] {
		f.Add(values[0], value)
	}
	f.Fuzz(func(t *testing.T, content, value []byte) {
		d, err := compress.New(content)
		if err != nil {
			return
		}
		frame, ok := d.Append(nil, value)
		if !ok {
			return
		}
		if got, err := d.Expand(frame); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("%v: %x restored as %x", err, value, got)
		}
	})
}
