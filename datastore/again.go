package datastore

import (
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/session"
	"github.com/newsnet-africa/netabase-go/models"
)

// declaredAgain has the handles of trees that a second definition of the same name declares. They
// share the places of the first handles, and only those are compared with the catalog.
type declaredAgain struct {
	first, second *session.Tree
}

// again returns the trees of a definition that is named like an earlier one, beside the handles in
// trees. Each has to be declared as it was before.
func again(d *models.Definition, trees map[string]models.AnyTree) (pairs []declaredAgain, err error) {
	var differences []Difference
	for _, t := range d.Trees() {
		first, second := trees[t.Name()], t.Core()
		if first == nil {
			differences = append(differences, Difference{
				Tree: t.Name(), What: "is in the second definition that is named " + d.Name() + ", and not in the first",
				Remedy: "give one of the definitions another name",
			})
			continue
		}
		differences = append(differences, unlike(first.Core(), second)...)
		pairs = append(pairs, declaredAgain{first.Core(), second})
	}
	if differences != nil {
		return nil, &DefinitionError{differences}
	}
	return pairs, nil
}

// unlike returns in what two declarations of a tree differ, as far as a schema file says it. The
// indexes have to be in the same order, since a place has them by number.
func unlike(first, second *session.Tree) (all []Difference) {
	differ := func(path, a, b string) {
		if a != b {
			all = append(all, Difference{
				Tree: first.Name, Path: path, What: fmt.Sprintf("is %s in one definition and %s in the other", a, b),
				Remedy: "declare the tree twice in the same way, or with another name",
			})
		}
	}
	differ("primary key", first.Key, second.Key)
	differ("codec", first.Codec, second.Codec)
	differ("policy", first.Policy, second.Policy)
	if a, b := shapeOf(first), shapeOf(second); a.Hash() != b.Hash() {
		differ("the model", a.String(), b.String())
	}
	for i := range max(len(first.Indexes), len(second.Indexes)) {
		differ(fmt.Sprintf("index %d", i+1), describeIndex(first.Indexes, i), describeIndex(second.Indexes, i))
	}
	return all
}

// describeIndex says all of an index that entries depend on.
func describeIndex(indexes []*session.Index, i int) string {
	if i >= len(indexes) {
		return "missing"
	}
	ix := indexes[i]
	return fmt.Sprintf("%s (%s, by %s, %s, %s)", ix.Name, ix.Kind, ix.Key, partial(ix.Partial), blind(ix.Blind))
}
