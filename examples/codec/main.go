// Codec gives a tree a codec of its own: points as 16 bytes each, in place of
// the maps of DAG-CBOR that describe themselves.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"math"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

type Point struct {
	ID   uint64
	X, Y float64
}

var (
	// The key is not written again in the value: WithKey puts it back.
	Points = models.NewTree("point", models.Uint64, func(p *Point) uint64 { return p.ID },
		models.WithCodec[Point](pointCodec{}),
		models.WithKey(func(p *Point, id uint64) { p.ID = id }))
	PointByX = models.NewIndex(Points, "x", models.Float64, func(p *Point) float64 { return p.X })

	Map = models.NewDefinition("map", Points)
)

// pointCodec writes X and Y as big-endian IEEE 754 bits.
type pointCodec struct{}

// Name is kept in the store. A store does not open with another codec.
func (pointCodec) Name() string { return "point-16" }

// Fields serves programs that read the store without the Go types.
func (pointCodec) Fields() []models.Field {
	return []models.Field{{Name: "x", Type: shape.Of(shape.Float64)}, {Name: "y", Type: shape.Of(shape.Float64)}}
}

// Append always writes the same bytes for the same point: peers compare them.
func (pointCodec) Append(dst []byte, p *Point) ([]byte, error) {
	if p.X != p.X || p.Y != p.Y {
		return dst, fmt.Errorf("%w: a point is a number", models.ErrInvalid)
	}
	dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(p.X))
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(p.Y)), nil
}

// Decode reads bytes that may come from another peer.
func (pointCodec) Decode(src []byte, p *Point) error {
	if len(src) != 16 {
		return fmt.Errorf("%w: a point has 16 bytes, not %d", models.ErrInvalid, len(src))
	}
	*p = Point{
		X: math.Float64frombits(binary.BigEndian.Uint64(src)),
		Y: math.Float64frombits(binary.BigEndian.Uint64(src[8:])),
	}
	if p.X != p.X || p.Y != p.Y {
		return fmt.Errorf("%w: a point is a number", models.ErrInvalid)
	}
	return nil
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	store, err := datastore.Open(ctx, memory.Engine(), Map)
	if err != nil {
		return err
	}
	defer store.Close()
	err = Points.PutMany(ctx, store, []Point{{7, 1.5, -2}, {8, -40, 0.25}, {9, 3, 3}})
	if err != nil {
		return err
	}
	for p, err := range PointByX.Range(ctx, store, models.Before(3.0)) {
		if err != nil {
			return err
		}
		fmt.Println(p.ID, p.X, p.Y)
	}
	size, err := Points.Raw().Size(ctx, store, models.Uint64.AppendLast(nil, 7))
	if err != nil {
		return err
	}
	fmt.Println("bytes in a value:", size)

	err = Points.Put(ctx, store, &Point{ID: 1, X: math.NaN()})
	fmt.Println(err)
	return nil
}
