package datastore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/internal/dagjson"
	"github.com/newsnet-africa/netabase-go/internal/format"
)

// knownFeatures are the names of the features that this version knows. What
// docs/format.md describes without naming a feature belongs to the format.
var knownFeatures = []string{compression, encryption, rebuilding, topics, feeds, tombstones}

// Features are the names of the features that a store uses beyond its format, each list
// sorted. They say what a program may do that does not know them all.
type Features struct {
	// Compatible features do not matter to a program that does not know them.
	Compatible []string
	// ReadOnly features keep a program that does not know them from writing.
	ReadOnly []string
	// Incompatible features keep a program that does not know them from opening the store.
	Incompatible []string
}

// unknownFeatures returns those of names that this version does not know.
func unknownFeatures(names []string) (unknown []string) {
	for _, name := range names {
		if !slices.Contains(knownFeatures, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// setFeature returns the names of a list of features with one in it, or without it, sorted.
func setFeature(names []string, feature string, is bool) []string {
	names = slices.DeleteFunc(names, func(name string) bool { return name == feature })
	if is {
		names = append(names, feature)
		slices.Sort(names)
	}
	return names
}

// check refuses a store with a feature that this version does not know and may not ignore.
func (f *Features) check(write bool) error {
	if unknown := unknownFeatures(f.Incompatible); unknown != nil {
		return fmt.Errorf("%w: it uses %s; open it with a version that knows what that is", ErrVersion, named(unknown))
	}
	if unknown := unknownFeatures(f.ReadOnly); unknown != nil && write {
		return fmt.Errorf("%w: it uses %s; open it with a version that knows what that is, or configure the engine "+
			"ReadOnly, to read", ErrVersion, named(unknown))
	}
	return nil
}

// unknown reports whether the store uses any feature that this version does not know.
func (f *Features) unknown() bool {
	return unknownFeatures(slices.Concat(f.Compatible, f.ReadOnly, f.Incompatible)) != nil
}

// maxNamed is how many bytes of the names of features an error shows.
const maxNamed = 256

func named(features []string) string {
	names := strings.Join(features, `", "`)
	if len(names) > maxNamed {
		names = strings.ToValidUTF8(names[:maxNamed], "") + "…"
	}
	if len(features) == 1 {
		return fmt.Sprintf(`the feature "%s"`, names)
	}
	return fmt.Sprintf(`the features "%s"`, names)
}

// features are those of the entry.
func (e *storeEntry) features() *Features {
	return &Features{Compatible: e.Compatible, ReadOnly: e.ReadOnly, Incompatible: e.Incompatible}
}

// storeHead is what a store entry of any format has. A program reads it before it believes the rest.
type storeHead struct {
	magic  string
	format uint64
}

// headOf reads the value of a store entry.
func headOf(value []byte) (h storeHead, err error) {
	var fields map[string]any
	if err := dagjson.Unmarshal(value, &fields); err != nil {
		return h, err
	}
	h.magic, _ = fields["magic"].(string)
	h.format, _ = fields["format"].(uint64)
	return h, nil
}

// check refuses what is no store, and a store of another format.
func (h storeHead) check() error {
	switch {
	case h.magic == restoringMagic:
		return fmt.Errorf("%w: restoring a backup into it did not finish; delete it and restore again", ErrNotStore)
	case h.magic != magic:
		return fmt.Errorf("%w: its magic is %q", ErrNotStore, shortened(h.magic))
	case h.format < format.Version:
		return fmt.Errorf("%w: its format is %d, which no released version has written; this one knows %d", ErrNotStore,
			h.format, format.Version)
	case h.format > format.Version:
		return fmt.Errorf("%w: its format is %d, this version knows %d", ErrVersion, h.format, format.Version)
	}
	return nil
}

func shortened(text string) string { return text[:min(len(text), maxNamed)] }
