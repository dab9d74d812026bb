package tags

import "net/netip"

type NoPrimary struct { // fault: NoPrimary has no primary key; tag a field `netabase:"primary"`
	ID   uint64
	Name string `netabase:"index"`
}

type Two struct {
	A uint64 `netabase:"primary"`
	B uint64 `netabase:"primary"` // fault: Two.B: the primary key already has this part; number the parts of a composite key from 1
}

type Gap struct {
	A uint64 `netabase:"primary"`
	B uint64 `netabase:"index=x,1"` // fault: the index x has no part 2; number its parts from 1 without a gap
	C uint64 `netabase:"index=x,3"`
}

type Unknown struct {
	A uint64 `netabase:"primary"`
	B uint64 `netabase:"secondary"` // fault: "secondary" is not known; use primary, sequence, index, unique, multi or clock
}

type Nameless struct {
	A uint64 `netabase:"primary"`
	B uint64 `netabase:"index,1"` // fault: a composite index needs a name; write index=name,1
}

type Renaming struct {
	A uint64 `netabase:"primary"`
	B uint64 `netabase:"name=b"` // fault: write `cbor:"b"` to rename a field
}

type Skipping struct {
	A uint64 `netabase:"primary"`
	B uint64 `netabase:"-"` // fault: write `cbor:"-"` to leave out a field
}

type Hidden struct {
	A uint64 `netabase:"primary"`
	B uint64 `netabase:"index" cbor:"-"` // fault: Hidden.B: a key has to be stored in the row
}

type Private struct {
	id uint64 `netabase:"primary"` // fault: Private.id: a key has to be stored in the row; export the field
}

type Keys struct {
	A netip.Addr `netabase:"primary"` // fault: Keys.A: net/netip.Addr has no key codec; use an integer
	B *string    `netabase:"index"`   // fault: Keys.B: *string has no key codec
	C string     `netabase:"multi"`   // fault: Keys.C: a multi index is by the elements of a slice or array, and string has none
	D []byte     `netabase:"multi"`   // fault: Keys.D: a multi index cannot be by each byte of a byte string
	E string     `netabase:"clock"`   // fault: Keys.E: a clock has to be an integer or a time
}

type NoList struct {
	A uint64 `netabase:"primary;multi=pair,1"` // fault: NoList: no part of the multi index pair is a slice or array; use index
	B string `netabase:"multi=pair,2"`
}

type Lists struct {
	A uint64    `netabase:"primary"`
	B []string  `netabase:"multi=pair,1"` // fault: Lists: 2 parts of the multi index pair are slices or arrays, and only one may be
	C [2]uint16 `netabase:"multi=pair,2"`
}

type Parts struct {
	A uint64   `netabase:"primary"`
	B []string `netabase:"multi=pair,1"`
	C [2]bool  `netabase:"index"`        // fault: Parts.C: [2]bool has no key codec
	D *uint64  `netabase:"multi=pair,2"` // fault: Parts.D: *uint64 has no key codec
}

type Unnamed struct {
	A uint64   `netabase:"primary"`
	B []string `netabase:"multi,1"` // fault: a composite index needs a name; write multi=name,1
}

type Kinds struct {
	A uint64 `netabase:"primary"`
	B uint64 `netabase:"index=x,1"`
	C uint64 `netabase:"unique=x,2"` // fault: Kinds.C: another field declares the index x as index
}

type BadName struct {
	A uint64 `netabase:"primary"`
	B uint64 `netabase:"index=by name"` // fault: "by name" cannot be the name of an index
}

type Five struct {
	A uint64 `netabase:"primary;index=x,1"`
	B uint64 `netabase:"index=x,5"` // fault: "5" is not the number of a part; a composite key has up to 4 parts
}

type Bare struct {
	A uint64 `netabase:primary`  // fault: Bare.A: the value of the tag netabase has to be in double quotes
	B uint64 `netabase: "index"` // fault: Bare.B: the value of the tag netabase has to be in double quotes
}

type Owner struct { // fault: Owner has a primary key and is embedded in Owned; write //netabase:tree owner above it if it has a tree of its own, and //netabase:embedded if it has none
	ID uint64 `netabase:"primary"`
}

type Owned struct {
	Owner
	Name string
}

//netabase:embedded
type Base struct {
	ID uint64 `netabase:"primary"`
}

type Based struct {
	Base
	Name string `netabase:"unique,2,optional"` // fault: a composite index needs a name; write unique=name,2
}

type Optional struct {
	A uint64   `netabase:"primary,optional"` // fault: primary cannot be optional; remove ",optional"
	B []string `netabase:"multi,optional"`   // fault: a multi index never has entries for a row without elements
	C string   `netabase:"index=c,1,maybe"`  // fault: "maybe" is not known; write the number of a part, or optional
	D uint64   `netabase:"sequence,1"`       // fault: a sequence has no parts
}

type Numbered struct {
	A string `netabase:"primary;sequence"` // fault: Numbered.A: a sequence needs one integer as the whole primary key
}
