// Package dynamic makes trees from schema files, for programs that do not have the Go types of the rows. A
// tree of [Row] has the bytes, the indexes and the rules of the tree that a compiled program has declared:
// each opens the store of the other, and their peers take each other's records.
//
//	definitions, err := dynamic.Definitions(schemas, dynamic.KeyCodecs(record.KeyCodecNamed))
//	store, err := datastore.Open(ctx, engine, definitions[0].Definition)
//
//	posts := definitions[0].Trees()[0]
//	post, err := posts.ParseJSON([]byte(`{"ID": 1, "Title": "Hello", "Tags": ["go"]}`))
//	err = posts.Put(ctx, store, &post)
//	tags, ok := posts.Index("tag")
//	for post, err := range tags.Find(ctx, store, "go") { … }
//
// A [Tree] is a models.Tree, which package record takes as well: record.Publish(ctx, node, posts.Tree, &post).
// Schemas are those of models.Tree.Schema and shape.ReadSchema.
//
// # Searching
//
// [Tree.Condition] and [Tree.Order] read what people write on a command line, for models.Filter and
// models.Sort. Ranges are those of package models, with keys of ParseKey; models.Beginning and models.Leading
// make those that begin alike.
//
// # Caveats
//
// A schema does not say everything that a compiled program knows. The key of each tree and index has to be
// made of fields that the schema names. A clock that a function computes is not in it, so the peers of a tree
// with one would choose other records. Neither is models.WithSequence: a row has the key that it is given. A Go
// type that marshals itself may refuse values that have its shape, and its zero value is taken to be empty.
package dynamic
