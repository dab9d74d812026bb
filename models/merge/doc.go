// Package merge has types of fields that merge: two values that have changed apart become one that has
// what both have. With them a program writes the function of models.WithMerge, field by field:
//
//	type Page struct {
//		ID    uint64
//		Title merge.Register[string]
//		Views merge.Counter
//		Tags  merge.AddRemoveSet[string]
//	}
//
//	func mergePages(a, b *Page) Page {
//		return Page{
//			ID:    a.ID, // both have the same primary key
//			Title: a.Title.Merge(b.Title),
//			Views: a.Views.Merge(b.Views),
//			Tags:  a.Tags.Merge(b.Tags),
//		}
//	}
//
//	var Pages = models.NewTree("page", models.Uint64, func(p *Page) uint64 { return p.ID },
//		models.WithPolicy[Page](models.Open), models.WithMerge(mergePages))
//
// A struct of such fields merges by merging its fields, and so does a struct in it. [Maps] merges maps
// with such values. A number or a text of which the greatest counts merges by the function max. A field
// that is left out of the function is lost: package mergetest finds that, and much else.
//
//	type                merges to                              has in its encoding
//	Register            the value that was set last            one value
//	Counter             the sum of what all have counted       a number for each peer that counted
//	UpDownCounter       the same, less what was taken          two numbers for each peer
//	Set                 the elements of both                   each element that was ever added
//	AddRemoveSet        what was added and not removed since   each element, with the peers that added it;
//	                                                           a number for each peer that added any
//	Maps                the keys of both, their values merged  each key that was ever there
//
// A row cannot be larger than record.Options.MaxValueBytes, so none of them is for what grows for ever.
// Such things are rows of their own: a tree by pair of page and visitor, say, counts any number of
// visitors.
//
// Each Merge commutes, associates and is idempotent for all values, those included that only a stranger
// would make. None trusts a stranger: in a tree that is models.Open anybody can write any row, count
// to the end of the numbers in the name of any peer, or set a value with the highest time.
//
// # Peers
//
// Counters and AddRemoveSet ask by which peer a change is made: a name that no other writer uses at the
// same time, such as the peer's id or one that the device has drawn at random. Two writers that share a
// name lose changes. A peer that has lost its store, and does not have the row again from others, takes
// a new name.
//
// # Types
//
// All types can be read by models.DagCBOR and modelgen, and merged by any number of goroutines. A value
// may be used by one goroutine at a time while it changes. Merge changes neither value, and its result
// shares no map or slice with them that a method changes.
package merge
