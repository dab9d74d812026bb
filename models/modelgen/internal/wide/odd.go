package wide

import (
	"time"

	odd "github.com/newsnet-africa/netabase-go/models/modelgen/internal/wide/dagcbor"
)

// These types have the names of packages that generated code imports.
type (
	models  int
	strconv struct{ Decode, Path string }
)

// item is not exported. Its tree and its borrowed type are not exported either.
type item struct {
	Key   models `netabase:"primary" cbor:"clé \"1\""`
	Größe uint   `netabase:"index=size-1"`

	Value  odd.Value
	Nested map[string][]map[string]strconv
	List   []struct{ A, B []string }
	Inner  struct {
		strconv
		Time *time.Time
	}
	Decode string
	Other  struct{ Decode int }
	//lint:ignore U1000 a field that is not exported is not written
	value string
}
