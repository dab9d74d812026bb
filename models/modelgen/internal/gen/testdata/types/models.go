package types

import (
	"math/big"
	"unsafe"
)

type Chan struct {
	A uint64   `netabase:"primary"`
	B chan int // fault: Chan.B: DAG-CBOR cannot encode chan int; tag the field `cbor:"-"` to leave it out
}

type Any struct {
	A uint64 `netabase:"primary"`
	B []any  // fault: Any.B[]: DAG-CBOR cannot encode any
}

type Keyed struct {
	A uint64         `netabase:"primary"`
	B map[int]string // fault: Keyed.B: the keys of a map have to be plain strings, not int
}

type Pointers struct {
	A uint64 `netabase:"primary"`
	B **int  // fault: Pointers.B: a pointer to a pointer can be nil at two levels
}

type Long struct {
	A uint64       `netabase:"primary"`
	B [200_000]int // fault: Long.B: the array has more than 131072 elements
}

type Huge struct {
	A uint64   `netabase:"primary"`
	B *big.Int // fault: Huge.B: DAG-CBOR has no integers of more than 64 bits
}

type Unsafe struct {
	A uint64         `netabase:"primary"`
	B unsafe.Pointer // fault: Unsafe.B: DAG-CBOR cannot encode unsafe.Pointer
}

type half struct{}

func (half) MarshalText() ([]byte, error) { return nil, nil }

type Half struct {
	A uint64 `netabase:"primary"`
	B half   // fault: has only one of MarshalText and UnmarshalText; give it both
}

type own struct{}

func (own) MarshalCBOR() ([]byte, error) { return nil, nil }

type Own struct {
	A uint64 `netabase:"primary"`
	B own    // fault: has CBOR methods, which need not give DAG-CBOR; give it MarshalBinary
}

type closed struct{ a, b int }

type Closed struct {
	A uint64 `netabase:"primary"`
	B closed // fault: Closed.B: closed has no exported fields
}
