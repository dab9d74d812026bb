package reshape

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/models/shape"
)

// Options say what a new version may do.
type Options struct {
	// GivenUp has the paths of the fields that are gone on purpose, as [Difference] writes them.
	// Paths of fields that the last version does not have are allowed, since stores of earlier
	// versions may.
	GivenUp []string
	// Travels says that values go to peers that still have the last version. They have to read
	// the values of the new one, so no field may be renamed and no type may change, not even to a
	// wider one: what the wider type can hold besides would not be valid for them.
	Travels bool
	// Earlier has the shapes of the versions before the last one. Some peers may still have those,
	// so in a tree that travels a field that one of them has keeps its type, too.
	Earlier []shape.Type
	// Replace says that a function makes values of the new version from those of the last. Then
	// nothing is a difference: a field that does not fit gets a new number.
	Replace bool
}

// Kind is a kind of difference.
type Kind string

// The kinds of differences.
const (
	// Missing is a stored field that the definition does not have.
	Missing Kind = "missing"
	// Changed is a field whose type cannot hold all values of the stored one.
	Changed Kind = "changed"
	// Renamed is a field that is renamed in a tree whose rows travel.
	Renamed Kind = "renamed"
	// Returned is a field whose name another field had in a version before the last one, with
	// another type, in a tree whose rows travel.
	Returned Kind = "returned"
	// Claimed is a stored field whose name two fields have as an earlier name.
	Claimed Kind = "claimed"
	// Contradicted is a field that is given up and defined.
	Contradicted Kind = "contradicted"
	// Unusable is a shape that is out of bounds or not a struct.
	Unusable Kind = "unusable"
)

// Difference is one thing that keeps a version from following another.
type Difference struct {
	// Path says where: names of fields with "." between, "[]" behind that of a list for its
	// elements, "{}" behind that of a map for its values. It is empty for the model itself. A
	// stored field has its stored path.
	Path string
	Kind Kind
	// Stored and Defined are the types of the field, empty where there is none.
	Stored, Defined string
	// Remedy says what can be done.
	Remedy string
	// detail says more about Claimed, Renamed and Unusable.
	detail string
}

// String says what differs and where, without the remedy.
func (d Difference) String() string {
	if d.Path == "" {
		return "the model " + d.What()
	}
	return d.Path + " " + d.What()
}

// What says the difference in words. They follow the path.
func (d Difference) What() string {
	switch d.Kind {
	case Missing:
		return "is missing in the definition"
	case Changed:
		return fmt.Sprintf("is stored as %s, and defined as %s", d.Stored, d.Defined)
	case Renamed:
		return fmt.Sprintf("is stored as %s, and rows of this tree travel", d.detail)
	case Returned:
		return fmt.Sprintf("was %s in an earlier version, is defined as %s, and rows of this tree travel", d.Stored,
			d.Defined)
	case Claimed:
		return fmt.Sprintf("and %s both have its earlier name", d.detail)
	case Contradicted:
		return "is given up, and defined"
	default:
		return "cannot be used: " + d.detail
	}
}

const byFunction = "convert the rows by a function with models.WithEarlier"

// Next returns the version whose shape is next, after a version that passed Check, and every
// difference that keeps the automatic rules from carrying values over. It is of use only if there
// is none. MaxID is the highest number that a field of any version of the tree has.
//
// A field keeps its number if the last version has a field of its name, or else of one of its
// earlier names that no field of next has, and if the type fits. Its default stays that of the last
// version: a default belongs to the version that brings in a field.
func Next(last Version, maxID uint32, next shape.Type, o Options) (Version, []Difference) {
	c := comparison{Options: o, nextID: uint64(maxID) + 1}
	stored, err := treeOf(last)
	if err != nil {
		return Version{}, []Difference{unusable("the stored shape is damaged", err)}
	}
	defined, err := new(builder).tree(next, 0)
	if err != nil {
		return Version{}, []Difference{unusable("declare a smaller model", err)}
	}
	if stored.kind != shape.Struct || defined.kind != shape.Struct {
		err := fmt.Errorf("a model is a struct, not a %s", defined.kind)
		return Version{}, []Difference{unusable("declare a struct", err)}
	}
	c.fields("", stored.fields, defined.fields)
	if o.Travels {
		c.earlier(defined)
	}
	if c.nextID > math.MaxUint32+1 {
		err := fmt.Errorf("fields have numbers up to %d", uint32(math.MaxUint32))
		return Version{}, []Difference{unusable("export the rows to a new store", err)}
	}
	if o.Replace {
		c.found = nil
	}
	slices.SortStableFunc(c.found, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) })
	return defined.version(), c.found
}

func unusable(remedy string, err error) Difference {
	return Difference{Kind: Unusable, Remedy: remedy, detail: err.Error()}
}

// comparison compares two versions and numbers the fields of the second.
type comparison struct {
	Options
	nextID uint64
	found  []Difference
}

func (c *comparison) differs(d Difference) { c.found = append(c.found, d) }

// fields compares the fields of two structs at a path, which is empty or ends in a dot, and numbers
// the defined ones.
func (c *comparison) fields(path string, stored, defined []*branch) {
	pairs := c.pair(path, stored, defined)
	taken := make(map[*branch]bool, len(pairs))
	for _, f := range defined {
		s := pairs[f]
		taken[s] = true
		at := path + f.Name
		if slices.Contains(c.GivenUp, at) {
			c.differs(Difference{
				Path: at, Kind: Contradicted, Defined: f.typeText(),
				Remedy: "take the field out of the definition, or do not give it up",
			})
		}
		if s != nil && !c.fits(at, s, f) {
			s = nil
		}
		if s == nil {
			f.id = uint32(c.nextID) // Next refuses numbers that do not fit
			c.nextID++
			c.within(at, nil, f.tree)
			continue
		}
		f.id, f.Default = s.id, s.Default
		c.within(path+s.Name, s.tree, f.tree)
	}
	for _, s := range stored {
		at := path + s.Name
		if taken[s] || slices.Contains(c.GivenUp, at) {
			continue
		}
		rename := fmt.Sprintf("if it was renamed, tag the field `netabase:\"was=%s\"`; ", s.Name)
		if c.Travels {
			rename = ""
		}
		c.differs(Difference{
			Path: at, Kind: Missing, Stored: s.typeText(),
			Remedy: fmt.Sprintf("%sif its values are no longer needed, give it up with models.WithGivenUp(%q); or %s",
				rename, at, byFunction),
		})
	}
}

// earlier compares a model with the versions before the last one.
func (c *comparison) earlier(defined *tree) {
	seen := map[string]bool{}
	for _, d := range c.found {
		seen[d.Path] = true
	}
	var compare func(path string, from, to *tree)
	compare = func(path string, from, to *tree) {
		switch from.kind {
		case shape.List:
			path += "[]"
		case shape.Map:
			path += "{}"
		}
		if from.elem != nil {
			compare(path, from.elem, to.elem)
		}
		if path != "" {
			path += "."
		}
		byName := make(map[string]*branch, len(to.fields))
		for _, f := range to.fields {
			byName[f.Name] = f
		}
		for _, s := range from.fields {
			f, at := byName[s.Name], path+s.Name
			switch {
			case f == nil:
			case holds(s.tree, f.tree, true):
				compare(at, s.tree, f.tree)
			case !seen[at]:
				seen[at] = true
				c.differs(Difference{
					Path: at, Kind: Returned, Stored: s.typeText(), Defined: f.typeText(),
					Remedy: "add a field of another name; or give the tree a new name and publish in both",
				})
			}
		}
	}
	for _, t := range c.Earlier {
		// One that is damaged is reported where its rows are read.
		if from, err := new(builder).tree(t, 0); err == nil && from.kind == shape.Struct {
			compare("", from, defined)
		}
	}
}

// typeText is the type of a field as people read it.
func (f *branch) typeText() string { return f.tree.shape().String() }

// pair finds the stored field of each defined one.
func (c *comparison) pair(path string, stored, defined []*branch) map[*branch]*branch {
	byName := make(map[string]*branch, len(stored))
	for _, s := range stored {
		byName[s.Name] = s
	}
	pairs := make(map[*branch]*branch, len(defined))
	owner := make(map[*branch]*branch, len(stored))
	for _, f := range defined {
		if s := byName[f.Name]; s != nil {
			pairs[f], owner[s] = s, f
		}
	}
	for _, f := range defined {
		if pairs[f] != nil {
			continue
		}
		for _, was := range f.Was {
			s := byName[was]
			if s == nil {
				continue
			}
			if other := owner[s]; other == nil {
				pairs[f], owner[s] = s, f
				break
			} else if other.Name != s.Name {
				c.differs(Difference{
					Path: path + f.Name, Kind: Claimed, Stored: s.typeText(), Defined: f.typeText(),
					Remedy: fmt.Sprintf("take was=%s from one of them", was), detail: path + other.Name,
				})
			}
		}
	}
	return pairs
}

// fits reports whether the field f, at a path, can take the place of s, and notes if it cannot.
func (c *comparison) fits(at string, s, f *branch) bool {
	switch {
	case c.Travels && s.Name != f.Name:
		c.differs(Difference{
			Path: at, Kind: Renamed, Stored: s.typeText(), Defined: f.typeText(), detail: s.Name,
			Remedy: "keep the name, or give the tree a new name and publish in both",
		})
	case !holds(s.tree, f.tree, c.Travels):
		remedy := "keep the stored type or a wider one; or " + byFunction
		if c.Travels {
			remedy = "keep the stored type and add a field of another name; or give the tree a new name and publish in both"
		}
		c.differs(Difference{Path: at, Kind: Changed, Stored: s.typeText(), Defined: f.typeText(), Remedy: remedy})
	default:
		return true
	}
	return false
}

// within compares the structs in the type of a field. There is none in stored if that is nil.
func (c *comparison) within(at string, stored, defined *tree) {
	for defined.kind != shape.Struct {
		switch defined.kind {
		case shape.List:
			at += "[]"
		case shape.Map:
			at += "{}"
		case shape.Optional:
			if stored != nil && stored.kind != shape.Optional {
				defined = defined.elem
				continue
			}
		default:
			return
		}
		defined = defined.elem
		if stored != nil {
			stored = stored.elem
		}
	}
	var fields []*branch
	if stored != nil {
		fields = stored.fields
	}
	c.fields(at+".", fields, defined.fields)
}

// holds reports whether the type to can hold every value of from, whatever fields their structs
// have. With alike it has to be the same.
func holds(from, to *tree, alike bool) bool {
	if alike {
		return reflect.DeepEqual(from.outline(), to.outline())
	}
	return to.outline().Holds(from.outline())
}

// integerBits returns the bits of a kind of integers, and 0 for all others.
func integerBits(k shape.Kind) int {
	switch k {
	case shape.Uint8, shape.Int8:
		return 8
	case shape.Uint16, shape.Int16:
		return 16
	case shape.Uint32, shape.Int32:
		return 32
	case shape.Uint64, shape.Int64:
		return 64
	}
	return 0
}
