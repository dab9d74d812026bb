package compress_test

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/newsnet-africa/netabase-go/internal/compress"
	"github.com/newsnet-africa/netabase-go/models"
)

// record is a record of the demonstration, golang.Package.
type record struct {
	ImportPath string `json:"import_path"`
	Name       string `json:"name"`
	Synopsis   string `json:"synopsis"`
	Module     string `json:"module"`
	Imports    uint64 `json:"imports"`
}

// records returns the values of the demonstration's records, in no particular order.
func records(tb testing.TB) [][]byte {
	tb.Helper()
	f, err := os.Open("../../p2pnode/internal/golang/packages.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	type row struct {
		ImportPath, Name, Synopsis, Module string
		Imports                            uint64
	}
	codec := models.DagCBOR[row]()
	var values [][]byte
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			tb.Fatal(err)
		}
		value, err := codec.Append(nil, &row{r.ImportPath, r.Name, r.Synopsis, r.Module, r.Imports})
		if err != nil {
			tb.Fatal(err)
		}
		values = append(values, value)
	}
	random := rand.New(rand.NewPCG(13, 4))
	random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	return values
}

// trained returns the dictionary of half the demonstration's records, and the other half.
func trained(tb testing.TB) (*compress.Dictionary, [][]byte) {
	tb.Helper()
	values := records(tb)
	var s compress.Sample
	for _, value := range values[:len(values)/2] {
		s.Add(value)
	}
	for _, value := range values[:len(values)/2] { // Train takes every other one
		s.Add(value)
	}
	d, _ := s.Train(nil)
	if d == nil {
		tb.Fatal("records that are alike make no dictionary")
	}
	return d, values[len(values)/2:]
}

func TestRecordsShrink(t *testing.T) {
	d, values := trained(t)
	plain, packed := 0, 0
	for _, value := range values {
		frame, ok := d.Append(nil, value)
		if !ok {
			frame = value
		}
		plain += len(value)
		packed += len(frame)
	}
	if ratio := float64(packed) / float64(plain); ratio > 0.32 {
		t.Errorf("records that the dictionary has not seen are %.3f of what they were", ratio)
	} else {
		t.Logf("%.3f with a dictionary of %d bytes", ratio, len(d.Content()))
	}
}

func BenchmarkAppend(b *testing.B) {
	d, values := trained(b)
	buf := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.Append(buf, values[i%len(values)])
	}
}

func BenchmarkExpand(b *testing.B) {
	d, values := trained(b)
	frames := make([][]byte, len(values))
	for i, value := range values {
		frames[i], _ = d.Append(nil, value)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := d.Expand(frames[i%len(frames)]); err != nil {
			b.Fatal(err)
		}
	}
}
