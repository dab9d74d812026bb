// Package wide has models with every type that can be a field, for tests that
// compare the generated codec with the reflected one.
package wide

import (
	"errors"
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/wide/geo"
)

//go:generate go run github.com/newsnet-africa/netabase-go/models/modelgen

// Named types.
type (
	Count    uint16
	Offset   int32
	Flag     bool
	Ratio    float32
	Email    string
	Blob     []byte
	Octet    uint8
	Octets   []Octet
	Labels   []Email
	Settings map[Email]Ratio
	Moment   = time.Time
)

// Level marshals itself to text.
type Level int

var levels = []string{"", "low", "high"}

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) {
	if l < 0 || int(l) >= len(levels) {
		return nil, errors.New("no such level")
	}
	return []byte(levels[l]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(text []byte) error {
	for i, name := range levels {
		if name == string(text) {
			*l = Level(i)
			return nil
		}
	}
	return errors.New("no such level")
}

// Secret marshals itself to bytes, by methods of the pointer.
type Secret struct{ text string }

// NewSecret returns the secret of a text.
func NewSecret(text string) Secret { return Secret{text} }

// MarshalBinary implements encoding.BinaryMarshaler.
func (s *Secret) MarshalBinary() ([]byte, error) { return []byte(strings.ToUpper(s.text)), nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (s *Secret) UnmarshalBinary(data []byte) error {
	s.text = strings.ToLower(string(data))
	return nil
}

// Score has a zero value of its own: 1.
type Score int

// IsZero reports whether s is 1.
func (s Score) IsZero() bool { return s == 1 }

// Base is embedded.
//
//netabase:embedded
type Base struct {
	ID      uint64 `netabase:"primary"`
	Created time.Time
}

// Address is nested.
type Address struct {
	Street string
	Geo    geo.Point `cbor:"geo"`
	Lines  []string
}

// Maybe is empty if all of its fields are empty.
type Maybe struct {
	A string         `cbor:",omitempty"`
	B []int          `cbor:",omitempty"`
	C map[string]int `cbor:",omitempty"`
	D *bool          `cbor:",omitempty"`
	E Secret         `cbor:",omitempty"`
}

// Loose cannot be compared with ==.
type Loose struct {
	Names []string
	Count int
}

// Thing has every type of field.
//
//netabase:tree thing-1 Everything
type Thing struct {
	Base

	U8   uint8
	U16  uint16
	U32  uint32
	U64  uint64 `netabase:"clock"`
	U    uint
	I8   int8 `netabase:"multi=string_level,2"`
	I16  int16
	I32  int32
	I64  int64
	I    int
	B    bool
	F32  float32
	F64  float64
	S    string
	Data []byte `netabase:"multi=arr_data,2"`
	T    time.Time
	Arr  [3]int16 `netabase:"multi;multi=arr_data,1"`
	ID16 [16]byte `netabase:"index;index=id_flag,1"`
	None [0]string

	Count    Count
	Offset   Offset
	Flag     Flag `netabase:"index=id_flag,2"`
	Ratio    Ratio
	Email    Email `netabase:"unique"`
	Blob     Blob
	Octets   Octets
	Octet4   [4]Octet
	Labels   Labels
	Settings Settings
	Moment   Moment `netabase:"multi=string_level,3"`

	Strings   []string `netabase:"multi;multi=string_level,1"`
	Lists     [][]int
	Blobs     [][]byte
	Hashes    [][4]byte `netabase:"multi"`
	Times     []time.Time
	Addresses []Address
	Pairs     [2]geo.Point
	Grid      [2][2]string
	Ints      map[string]int
	MapLists  map[string][]string
	Maps      map[string]map[string]bool
	Places    map[string]Address
	Optionals map[string]*string

	PInt   *int
	PStr   *string
	PTime  *time.Time
	PBytes *[]byte
	PList  *[]uint8
	PNames *[]string
	PAddr  *Address
	PLevel *Level
	PPoint *geo.Point
	Ptrs   []*Address

	Home  Address
	Shape geo.Shape
	Well  geo.Well
	Anon  struct {
		X, Y int
		Note string `json:"note"`
	}
	Tagged geo.Tagged[Count]
	Texts  geo.Tagged[[]string]
	Empty  struct{}
	Units  []struct{}

	Level   Level
	Levels  []Level
	ByLevel map[string]Level
	Secret  Secret
	Secrets []Secret
	Addr    netip.Addr
	Link    url.URL
	Big     big.Float
	Links   map[string]*url.URL

	Renamed  string   `cbor:"r"`
	FromJSON string   `json:"from_json"`
	Quoted   string   `cbor:"a b"`
	Skipped  chan int `cbor:"-"`
	//lint:ignore U1000 a field that is not exported is not written
	private int
}

// Optional has every type under omitempty and omitzero.
//
//netabase:definition wide
//netabase:definition spare
type Optional struct {
	Name string `netabase:"primary,2" cbor:",omitempty"`
	Part uint8  `netabase:"primary,1"`

	EB bool              `cbor:",omitempty" netabase:"index=mix,2"`
	EI int               `cbor:",omitempty" netabase:"index;index=mix,1;clock"`
	EU uint8             `cbor:",omitempty"`
	EF float64           `cbor:",omitempty"`
	ES string            `cbor:",omitempty" netabase:"index=mix,3"`
	ED []byte            `cbor:",omitempty"`
	EL []string          `cbor:",omitempty"`
	EA [2]int            `cbor:",omitempty"`
	EZ [0]int            `cbor:",omitempty"`
	EM map[string]string `json:",omitempty"`
	EP *int              `cbor:",omitempty"`
	ET time.Time         `cbor:",omitempty"`
	EY Maybe             `cbor:",omitempty"`
	EX Secret            `cbor:",omitempty"`
	EV Level             `cbor:",omitempty"`
	EN struct{}          `cbor:",omitempty"`
	EG Address           `cbor:",omitempty"`

	ZB bool              `cbor:",omitzero"`
	ZI int               `cbor:",omitzero"`
	ZF float32           `cbor:",omitzero"`
	ZS string            `cbor:",omitzero"`
	ZD []byte            `cbor:",omitzero"`
	ZL []string          `cbor:",omitzero"`
	ZA [2]int            `cbor:",omitzero"`
	ZM map[string]string `cbor:",omitzero"`
	ZP *Score            `cbor:",omitzero"`
	ZQ *string           `cbor:",omitzero"`
	ZT time.Time         `cbor:",omitzero"`
	ZY Loose             `cbor:",omitzero"`
	ZG geo.Point         `cbor:",omitzero"`
	ZX Secret            `cbor:",omitzero"`
	ZV Level             `cbor:",omitzero"`
	ZC Score             `cbor:",omitzero"`
	ZE Score             `cbor:",omitempty,omitzero"`
}

// Ticket uses the tags and directives of a tree besides keys.
//
//netabase:policy open
type Ticket struct {
	Number uint32  `netabase:"primary;sequence"`
	Seat   string  `netabase:"unique,optional"`
	Hall   uint8   `netabase:"index=hall_day,1,optional;index=hall_token,1"`
	Day    Moment  `netabase:"index=hall_day,2,optional"`
	Token  []byte  `netabase:"index=hall_token,2,optional"`
	Gate   [2]byte `netabase:"index=gate,optional"`
	Row    int8    `netabase:"index=place,1"`
	Place  int16   `netabase:"index=place,2"`
	Level  int32   `netabase:"index=place,3"`
	Price  int64   `netabase:"index=place,4;clock"`
}

// Changed has the tags that say how it was before.
type Changed struct {
	ID    uint64    `netabase:"primary;was=Number"`
	Name  string    `netabase:"index; was=Title ;was=\"a;b\";default=\"x; \\\"y\\\"\""`
	Age   *uint8    `netabase:"default=18"`
	Since time.Time `netabase:"default=2020-01-01T01:00:00+01:00"`
	Never time.Time `netabase:"default=0001-01-01T00:00:00Z"`
	Ratio float32   `netabase:"default=0.1" cbor:"ratio,omitempty"`
	Score Score     `netabase:"was=score;default=-300"`
	On    bool      `netabase:"default=true"`
	Stops []Stop
	Last  *Stop
}

// Stop has no keys, so it is no model.
type Stop struct {
	Town string `netabase:"was=City;default=Rome"`
	Zip  string `netabase:"default=00100, or none"`
}
