package ipfs

import (
	"fmt"
	"strings"
)

// Layout says how a repo keeps its data.
type Layout struct {
	// Name is what reports call it.
	Name string
	// Profile is the profile that lays the repo out.
	Profile string
	// Change, if it is not nil, changes the profile's Datastore.Spec.
	Change func(spec map[string]any)
}

// Ours are the layouts with a Netabase store.
var Ours = []Layout{
	{Name: "badger", Profile: "netabase"},
	{Name: "bolt", Profile: "netabase", Change: func(spec map[string]any) { spec["engine"] = "bolt" }},
	{Name: "flatfs+badger", Profile: "flatfs-netabase"},
}

// Choose returns the layout of a name among some, all of them for "all".
func Choose(name string, among []Layout) ([]Layout, error) {
	if name == "all" {
		return among, nil
	}
	var names []string
	for _, l := range among {
		if l.Name == name {
			return []Layout{l}, nil
		}
		names = append(names, l.Name)
	}
	return nil, fmt.Errorf("there is no layout %q: use all, %s", name, strings.Join(names, ", "))
}
