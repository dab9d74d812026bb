package models

import (
	"bytes"
	"testing"

	"github.com/ipld/go-ipld-prime"
	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/node/bindnode"
)

// ipldArticle is article with the only integers that bindnode has.
type ipldArticle struct {
	ID       int64
	Title    string
	Content  string
	AuthorID int64
}

// BenchmarkIPLD is BenchmarkDagCBOR with go-ipld-prime in place of the codec.
func BenchmarkIPLD(b *testing.B) {
	types, err := ipld.LoadSchemaBytes([]byte(`type Article struct {
		ID Int
		Title String
		Content String
		AuthorID Int
	}`))
	if err != nil {
		b.Fatal(err)
	}
	shape := types.TypeByName("Article")
	m := ipldArticle{int64(testArticle.ID), testArticle.Title, testArticle.Content, int64(testArticle.AuthorID)}
	value, err := DagCBOR[article]().Append(nil, &testArticle)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		var buf bytes.Buffer
		b.ReportAllocs()
		for b.Loop() {
			buf.Reset()
			if err := dagcbor.Encode(bindnode.Wrap(&m, shape).Representation(), &buf); err != nil {
				b.Fatal(err)
			}
		}
		if !bytes.Equal(buf.Bytes(), value) {
			b.Fatalf("it writes %x, the codec %x", buf.Bytes(), value)
		}
	})
	b.Run("decode", func(b *testing.B) {
		var decoded ipldArticle
		prototype := bindnode.Prototype(&decoded, shape).Representation()
		b.ReportAllocs()
		for b.Loop() {
			builder := prototype.NewBuilder()
			if err := dagcbor.Decode(builder, bytes.NewReader(value)); err != nil {
				b.Fatal(err)
			}
			decoded = *bindnode.Unwrap(builder.Build()).(*ipldArticle)
		}
		if decoded != m {
			b.Fatalf("it reads %v, want %v", decoded, m)
		}
	})
}
