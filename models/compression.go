package models

// WithCompression has stores compress the rows of the tree, with zstd and dictionaries that they
// train from the rows themselves. Rows that have much in common, as most rows of one tree do, take a
// third of their space. Writing a row takes a few microseconds more, and reading it about half of
// one.
//
// It takes about 2,000 rows, or 224 KiB of them, until there is a dictionary. Rows before that, rows
// that would not become shorter, and rows of over 4 MiB, are stored as they are. A row that is stored
// already is compressed when it is written next. A dictionary is parts of rows and stays in the
// store for good, also after these rows have been deleted; a tree has at most 16, of at most 112 KiB
// each.
//
// The option belongs to the program, not to the definition: a store opened without it reads all
// rows, and compresses no more. Records in the DHT and backups are not compressed. The first
// compressed row gives the store the feature "compression", which programs that do not know it
// refuse to open.
func WithCompression[M any]() TreeOption[M] {
	return func(o *treeOptions[M]) { o.compressed = true }
}
