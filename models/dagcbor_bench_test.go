package models

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/node/bindnode"
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
			if err := checkCanonical(codec.Append, value, &m, scratch); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// ipldArticle is article with the integers that bindnode knows.
type ipldArticle struct {
	ID       int64
	Title    string
	Content  string
	AuthorID int64
}

// BenchmarkIPLD does the same with go-ipld-prime.
func BenchmarkIPLD(b *testing.B) {
	m := ipldArticle{int64(testArticle.ID), testArticle.Title, testArticle.Content, int64(testArticle.AuthorID)}
	prototype := bindnode.Prototype(&m, nil)
	value, err := DagCBOR[article]().Append(nil, &testArticle)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		var written bytes.Buffer
		b.ReportAllocs()
		for b.Loop() {
			written.Reset()
			if err := dagcbor.Encode(bindnode.Wrap(&m, prototype.Type()).Representation(), &written); err != nil {
				b.Fatal(err)
			}
		}
		if !bytes.Equal(written.Bytes(), value) {
			b.Errorf("it writes %x, the codec %x", written.Bytes(), value)
		}
	})
	b.Run("decode", func(b *testing.B) {
		var decoded ipldArticle
		b.ReportAllocs()
		for b.Loop() {
			builder := prototype.Representation().NewBuilder()
			if err := dagcbor.Decode(builder, bytes.NewReader(value)); err != nil {
				b.Fatal(err)
			}
			decoded = *bindnode.Unwrap(builder.Build()).(*ipldArticle)
		}
		if decoded != m {
			b.Errorf("it reads %+v, not %+v", decoded, m)
		}
	})
}
