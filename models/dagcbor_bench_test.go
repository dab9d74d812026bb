package models

import (
	"strings"
	"testing"
)

// article is the model of the benchmarks.
type article struct {
	ID       uint64
	Title    string
	Content  string
	AuthorID uint64
}

var testArticle = article{ID: 1_000_001, Title: "A title of usual length", Content: strings.Repeat("0123456789", 20), AuthorID: 77}

func BenchmarkDagCBOR(b *testing.B) {
	codec := DagCBOR[article]()
	m := testArticle
	value, err := codec.Append(nil, &m)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		dst := make([]byte, 0, len(value))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := codec.Append(dst, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := codec.Decode(value, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("canonical", func(b *testing.B) {
		scratch := make([]byte, 0, len(value))
		b.ReportAllocs()
		for b.Loop() {
			if err := checkCanonical(codec, value, &m, scratch); err != nil {
				b.Fatal(err)
			}
		}
	})
}
