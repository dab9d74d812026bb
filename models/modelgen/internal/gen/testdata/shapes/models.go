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

type Promoted struct { // fault: Promoted marshals itself, perhaps by an embedded field, and not as a map
	time.Time
	A uint64 `netabase:"primary"`
}

type inner struct {
	netip.Addr
	Port uint16
}

type Promotes struct {
	A uint64 `netabase:"primary"`
	B inner  // fault: the embedded netip.Addr marshals itself and hides the other fields
}

type array struct {
	_ struct{} `cbor:",toarray"` // fault: a struct is written as a map, not as an array
	B int
}

type Array struct {
	A uint64 `netabase:"primary"`
	B array
}

type Numbered struct {
	A uint64 `netabase:"primary"`
	B int    `cbor:"1,keyasint"` // fault: DAG-CBOR has no integers as names of fields
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
	C opaque `cbor:",omitzero"` // fault: whether opaque is zero cannot be seen
}
