package reshape

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// person is a shape as programs have them, and personNext follows it with a new field. PersonMore has
// a field that is renamed, too, and so changes its place.
var (
	person = structOf(
		"ID", shape.Uint64, "Name", shape.String, "Email", shape.String, "Joined", shape.Time, "Admin", shape.Bool,
		"Score", shape.Float64, "Home", structOf("Street", shape.String, "Town", shape.String),
		"Tags", shape.ListOf(shape.Of(shape.String)),
	)
	personNext = structOf(append(fieldsOf(person), defaulted("Country", "CH"), shape.String)...)
	personMore = structOf(append(fieldsOf(person, "Name"),
		was("FullName", "Name"), shape.String, defaulted("Country", "CH"), shape.String)...)

	personValue = object{
		"ID": 123456, "Name": "Ada Lovelace", "Email": "ada@example.org", "Joined": "2024-02-29T12:34:56.789Z",
		"Admin": true, "Score": 17.5, "Home": object{"Street": "12 St James's Square", "Town": "London"},
		"Tags": []any{"mathematics", "engines", "poetry"},
	}
)

// fieldsOf returns the fields of a struct, but for some, as structOf takes them.
func fieldsOf(t shape.Type, except ...string) (fields []any) {
	for _, f := range t.Fields {
		if len(except) == 0 || f.Name != except[0] {
			fields = append(fields, f, f.Type)
		}
	}
	return fields
}

// plans returns plans for values of person.
func plans(t testing.TB) map[string]*Plan {
	hundred := []shape.Type{person, structOf(append(fieldsOf(person), defaulted("Name1", "CH"), shape.String)...)}
	last := "Name1"
	for i := range 98 {
		name := fmt.Sprintf("Name%d", i+2)
		hundred = append(hundred, structOf(append(fieldsOf(person), was(name, last), shape.String)...))
		last = name
	}
	hundred = append(hundred, structOf(append(fieldsOf(person), was("Country", last), shape.String)...))
	return map[string]*Plan{
		"check":         Between(chain(t, nil, person)),
		"add":           Between(chain(t, nil, person, personNext)),
		"add in 100":    Between(chain(t, nil, hundred...)),
		"rename, add":   Between(chain(t, nil, person, personMore)),
		"by name":       ByName(personNext),
		"by name, less": ByName(structOf(fieldsOf(personNext, "Name")...)),
	}
}

// TestManyVersionsCostAsOne checks that a plan for a value of a hundred versions ago does just what
// one for the last version does.
func TestManyVersionsCostAsOne(t *testing.T) {
	all := plans(t)
	if all["add"].Same() || !reflect.DeepEqual(all["add in 100"].root, all["add"].root) {
		t.Error("the plan from a hundred versions ago is another")
	}
}

func BenchmarkAppend(b *testing.B) {
	src := encode(personValue)
	dst := make([]byte, 0, 4*len(src))
	for name, p := range plans(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if _, err := p.Append(dst, src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
