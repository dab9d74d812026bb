package shapes

import (
	"net/netip"
	"time"
)

type Base struct{ X int }

type Same struct {
	A uint64 `netabase:"primary"`
	B int    `cbor:"A"` // fault: two fields are named "A"
}

type Pointer struct {
	*Base        // fault: embed the struct and not a pointer to it
	A     uint64 `netabase:"primary"`
}

type Promoted struct { // fault: Promoted encodes itself, perhaps by methods of an embedded field
	time.Time
	A uint64 `netabase:"primary"`
}

type inner struct {
	netip.Addr
	Port uint16
}

type Promotes struct {
	A uint64 `netabase:"primary"`
	B inner  // fault: the embedded netip.Addr encodes itself and would leave out the other fields
}

type array struct {
	_ struct{} `cbor:",toarray"` // fault: a struct is encoded as a map, not as an array
	B int
}

type Array struct {
	A uint64 `netabase:"primary"`
	B array
}

type Numbered struct {
	A uint64 `netabase:"primary"`
	B int    `cbor:"1,keyasint"` // fault: the names of fields are strings in DAG-CBOR
}

type Generic[T any] struct { // fault: Generic has type parameters
	A uint64 `netabase:"primary"`
	B T
}

type lists struct{ Names [][]string }

type opaque struct {
	Arrays [2][]int
}

type Zero struct {
	A uint64 `netabase:"primary"`
	B lists  `cbor:",omitzero"`
	C opaque `cbor:",omitzero"` // fault: generated code cannot test whether opaque is zero
}
