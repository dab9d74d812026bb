package shape

import (
	"fmt"
	"time"
)

// Tombstones says that deletions of rows travel: see models.WithTombstones.
type Tombstones struct {
	// Age is how long a tombstone is kept, and Unit what the clock of the tree counts since 1970. Files
	// have both in nanoseconds.
	Age, Unit time.Duration
}

// maxTombstoneAge keeps the end of a tombstone within the times that a store can hold.
const maxTombstoneAge = 100 * 365 * 24 * time.Hour

// Check returns an error if no tree can have such tombstones.
func (t Tombstones) Check() error {
	switch {
	case t.Unit <= 0:
		return fmt.Errorf("unit: a clock cannot count units of %v", t.Unit)
	case t.Age < t.Unit || t.Age > maxTombstoneAge:
		return fmt.Errorf("age: %v is not between the unit of the clock, %v, and %v", t.Age, t.Unit, maxTombstoneAge)
	}
	return nil
}

func (s Schema) checkTombstones() error {
	t := s.Tombstones
	switch {
	case t == nil:
		return nil
	case s.Policy != "open":
		return fmt.Errorf("tombstones: the policy is %s, and only an open tree has tombstones", s.Policy)
	case s.Merged:
		return fmt.Errorf("tombstones: the tree is merged, and such a tree has none")
	case s.Codec != "dag-cbor":
		return fmt.Errorf("tombstones: the codec is %.40q, and only a tree of dag-cbor has tombstones", s.Codec)
	case s.Clock == "" && !s.ComputedClock:
		return fmt.Errorf("tombstones: the tree has no clock")
	}
	if err := t.Check(); err != nil {
		return fmt.Errorf("tombstones.%w", err)
	}
	if f := s.field(s.Clock); f != nil && f.Type.Kind == Time && t.Unit != time.Microsecond {
		return fmt.Errorf("tombstones.unit: it is %v, and the clock of the field %.80q counts microseconds", t.Unit, s.Clock)
	}
	return nil
}

// fit reports whether peers with t and other agree on what the clock of a tombstone means.
func (t *Tombstones) fit(other *Tombstones) bool {
	if t == nil || other == nil {
		return t == other
	}
	return t.Unit == other.Unit
}

func (t *Tombstones) appendJSON(dst []byte) []byte {
	return fmt.Appendf(dst, `,"tombstones":{"age":%d,"unit":%d}`, int64(t.Age), int64(t.Unit))
}

func (r *jsonReader) readTombstones(path string) (*Tombstones, error) {
	t := new(Tombstones)
	err := r.object(path, []string{"age", "unit"}, func(name, path string) (_ bool, err error) {
		switch name {
		case "age":
			t.Age, err = r.nanoseconds(path)
		case "unit":
			t.Unit, err = r.nanoseconds(path)
		default:
			return false, nil
		}
		return true, err
	})
	return t, err
}
