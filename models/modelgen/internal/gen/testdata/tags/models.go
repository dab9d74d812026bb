package tags

import (
	"net/netip"
	"time"
)

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
	B uint64 `netabase:"secondary"` // fault: "secondary" is not known; use primary, sequence, index, unique, multi, blind, blindunique or clock, was or default
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
	B uint64 `netabase:"index" cbor:"-"` // fault: Hidden.B: a field with the tag netabase has to be stored in the row
}

type Private struct {
	id uint64 `netabase:"primary"` // fault: Private.id: a field with the tag netabase has to be stored in the row; export it
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

type Defaults struct {
	A uint64            `netabase:"primary"`
	B uint8             `netabase:"default=256"`         // fault: Defaults.B: tag netabase:"default=256": "256" is no uint8; write a number from 0 to 255
	C *int16            `netabase:"default=x"`           // fault: Defaults.C: tag netabase:"default=x": "x" is no int16; write a number from -32768 to 32767
	D bool              `netabase:"default=1"`           // fault: Defaults.D: tag netabase:"default=1": "1" is no bool; write true or false
	E float32           `netabase:"default=1e99"`        // fault: Defaults.E: tag netabase:"default=1e99": "1e99" is no float32; write a finite number
	F time.Time         `netabase:"default=today"`       // fault: Defaults.F: tag netabase:"default=today": "today" is no time; write a time like 2026-
	G []string          `netabase:"default=a"`           // fault: Defaults.G: tag netabase:"default=a": a value of kind list cannot be written as text
	H map[string]string `netabase:"default=a"`           // fault: Defaults.H: tag netabase:"default=a": a value of kind map cannot be written as text
	I struct{ X int }   `netabase:"default=a"`           // fault: Defaults.I: tag netabase:"default=a": a value of kind struct cannot be written as text
	J []byte            `netabase:"default=a"`           // fault: Defaults.J: tag netabase:"default=a": a value of kind bytes cannot be written as text
	K netip.Addr        `netabase:"default=::1"`         // fault: Defaults.K: a tag cannot have the default of netip.Addr, which encodes itself
	L string            `netabase:"default="`            // fault: default needs a value, as in default=5
	M string            `netabase:"default"`             // fault: default needs a value, as in default=5
	N string            `netabase:"default=a;default=b"` // fault: default is there twice
	O string            `netabase:"default=\"a"`         // fault: the literal in default="a does not end
	P string            `netabase:"default=\"a\"b"`      // fault: "b" follows the literal in default="a"
}

type Unstored struct {
	A uint64 `netabase:"primary"`
	B string `netabase:"default=a" cbor:"-"` // fault: Unstored.B: a field with the tag netabase has to be stored in the row
}

type Was struct {
	A uint64 `netabase:"primary"`
	B string `netabase:"was"`           // fault: was needs the field's earlier name, as in was=OldName
	C string `netabase:"was="`          // fault: was needs the field's earlier name, as in was=OldName
	D string `netabase:"was=x,y"`       // fault: was=x,y has a comma; write was= once for each earlier name
	E string `netabase:"was=x;was=x"`   // fault: was=x is there twice
	F string `netabase:"was=\"\\xff\""` // fault: was="\xff" is not UTF-8
}

type WasItself struct {
	A uint64 `netabase:"primary;was=A"` // fault: WasItself.A: was=A is the name that the field has; remove it
}

type WasAnother struct {
	A uint64 `netabase:"primary"`
	B string `netabase:"was=A"` // fault: WasAnother.B: was=A is the name of another field; rename that, or remove it here
}

type WasTwice struct {
	A uint64 `netabase:"primary"`
	B string `netabase:"was=x"`
	C string `netabase:"was=x"` // fault: WasTwice.C: was=x is declared twice; keep it on one field
}

type Inside struct {
	A uint64 `netabase:"primary"`
	B []Inner
}

type Inner struct {
	X uint8  `netabase:"default=-1"` // fault: Inside.B[].X: tag netabase:"default=-1": "-1" is no uint8
	Y string `netabase:"wsa=X"`      // fault: Inside.B[].Y: tag netabase:"wsa=X": "wsa" is not known
}

type Whole struct {
	A     uint64             `netabase:"primary"`
	Plain `netabase:"was=B"` // fault: Whole.Plain: the fields of an embedded struct count as the outer one's
}

type Plain struct{ B string }
