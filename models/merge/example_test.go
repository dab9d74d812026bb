package merge_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/newsnet-africa/netabase-go/models/merge"
)

// Two peers change two fields. Both changes stay.
func ExampleRegister() {
	type contact struct{ Name, Phone merge.Register[string] }
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var ann contact
	ann.Name.Set("Ada", noon)
	ann.Phone.Set("1", noon)
	bob := ann
	ann.Name.Set("Ada L.", noon.Add(time.Hour))
	bob.Phone.Set("2", noon.Add(time.Minute))
	both := contact{ann.Name.Merge(bob.Name), ann.Phone.Merge(bob.Phone)}
	fmt.Println(both.Name.Value, both.Phone.Value)
	// Output: Ada L. 2
}

// Two peers count. Nothing is counted twice, however often they exchange what they have.
func ExampleCounter() {
	var ann, bob merge.Counter
	ann.Add("ann", 2)
	bob.Add("bob", 3)
	bob = bob.Merge(ann)
	ann.Add("ann", 1)
	fmt.Println(ann.Merge(bob).Merge(bob).Value())
	// Output: 6
}

func ExampleUpDownCounter() {
	var ann, bob merge.UpDownCounter
	ann.Add("ann", 10)
	bob = bob.Merge(ann)
	bob.Add("bob", -4)
	ann.Add("ann", 1)
	fmt.Println(ann.Merge(bob).Value())
	// Output: 7
}

func ExampleSet() {
	var ann, bob merge.Set[string]
	ann.Add("x")
	bob.Add("y")
	fmt.Println(ann.Merge(bob))
	// Output: [x y]
}

// A peer removes what it has seen, and nothing that another peer adds meanwhile.
func ExampleAddRemoveSet() {
	var ann, bob merge.AddRemoveSet[string]
	ann.Add("ann", "milk")
	ann.Add("ann", "bread")
	bob = bob.Merge(ann)
	bob.Remove("milk")
	bob.Remove("bread")
	ann.Add("ann", "bread") // once more
	fmt.Println(slices.Collect(ann.Merge(bob).All()))
	// Output: [bread]
}

// The values of a map are registers, of which each has its own time.
func ExampleMaps() {
	ann := map[string]merge.Register[string]{"colour": {At: 1, Value: "red"}}
	bob := map[string]merge.Register[string]{"colour": {At: 2, Value: "blue"}, "size": {At: 1, Value: "large"}}
	both := merge.Maps(ann, bob, merge.Register[string].Merge)
	fmt.Println(both["colour"].Value, both["size"].Value)
	// Output: blue large
}
