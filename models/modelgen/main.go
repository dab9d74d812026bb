// Modelgen writes the trees, indexes and codecs of tagged structs.
//
// Make it a tool of your module, once:
//
//	go get -tool github.com/newsnet-africa/netabase-go/models/modelgen
//
// Put this line into one file of the package that holds the structs, and run go
// generate:
//
//	//go:generate go tool modelgen
//
// From a file blog.go it writes blog_netabase.go, for all models of the package.
// Without go generate, give it the path of the file. A model is a struct with a
// primary key:
//
//	type Post struct {
//		ID       uint64 `netabase:"primary"`
//		Title    string
//		AuthorID uint64 `netabase:"index"`
//	}
//
// For it modelgen writes the tree Posts, the index PostByAuthor, the codec
// PostCodec, which writes the bytes of [models.DagCBOR] without reflection, and
// the type BorrowedPost, which reads a borrowed row without copying it. All trees of
// the package blog form the definition Blog.
//
// # Tags
//
// The tag netabase declares keys. Several items are separated by semicolons.
//
//	primary                the primary key
//	primary;sequence       an integer that Insert gives the next number where it
//	                       is zero, see models.WithSequence
//	primary,1  primary,2   the parts of a composite primary key, up to 4
//	index                  an index
//	unique                 an index in which no two rows share a key
//	index,optional  unique,optional
//	                       one without the rows whose field is zero
//	multi                  an index by each element of a slice or array
//	blind  blindunique     as index and unique, for an encrypted store: the index
//	                       hides its keys, see models.NewBlind
//	clock                  the model's clock, see models.WithClock: an
//	                       integer, or a time at the precision of microseconds;
//	                       below 0, or before 1970, it counts as 0
//
// An index is named after its field: author_id for AuthorID. Another name is
// given as in index=writer. Fields with the same name and numbers from 1 make
// an index by a models.Pair, a models.Triple or a models.Quad, for two, three or
// four of them:
//
//	AuthorID uint64    `netabase:"index;index=author_time,1"`
//	Created  time.Time `netabase:"index=author_time,2;multi=tag_time,2"`
//	Tags     []string  `netabase:"multi=tag_time,1"`
//
// A composite multi index has one field that is a slice or array: the row is
// found by each of its elements, together with the other fields.
//
// The declarations say of which fields keys and clock are made, see
// models.KeyFields: other programs can then read and write the tree by its schema.
// They do not for types that encode themselves, or have a method IsZero.
//
// The same tag says how a model changed, on any field of a model or of a struct
// in it. models.DagCBOR reads these two as well:
//
//	was=OldName            the name that the field had before; write it once for
//	                       each earlier name
//	default=5              the value of the field in rows and records that do not
//	                       have it: an integer, a float, true or false, text, or a
//	                       time of RFC 3339; without it, it is zero. Fields of
//	                       these types and pointers to them can have one, but not
//	                       types that marshal themselves: see models.WithDefault
//	                       for others
//
// Names are those under which fields are encoded. Text with a semicolon, and the
// empty one, is written as a Go string literal:
//
//	Greeting string `netabase:"was=Salutation;default=\"Hello; welcome\""`
//
// The tag cbor or json says how a field is encoded, as it does for
// models.DagCBOR, so that both codecs agree: it holds the field's name and the
// options omitempty and omitzero, and "-" leaves the field out. No other tags are
// read.
//
//	Summary string   `cbor:"summary,omitempty"`
//	cache   []string // not exported, and so not stored
//	Draft   *Post    `cbor:"-"`
//
// Keys are integers, floats, strings, byte slices, booleans, times, types declared
// as one of those, and peer.ID of libp2p, whose codec is record.PeerKey. The key of an array of bytes is a slice of it:
// Files.Get(ctx, store, hash[:]). An index by anything else is declared by hand with
// models.NewIndex, beside the generated ones.
//
// # Directives
//
// Comments above a struct change what is written for it:
//
//	//netabase:tree story Stories
//	//netabase:definition blog Blog
//	//netabase:policy signed
//	//netabase:merge mergePosts
//	//netabase:embedded
//
// The first gives the tree's name and its variable, by default the name of the
// type (BlogPost: blog_post) and its plural. The second gives the name of the
// definition that the tree belongs to and its variable, by default those of the
// package. The variables' names can be left out. With several definitions the
// struct has a tree in each; the variables of all but the first begin with the
// definition's. The third gives the policy of its trees, open or signed, see
// models.WithPolicy. The fourth names the function of the package that merges two
// rows of an open tree, see models.WithMerge. The fifth says of a struct with a
// primary key, which others embed, that it has no tree of its own.
package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/gen"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// source is this file, whose package comment is the help.
//
//go:embed main.go
var source string

// help is the package comment.
func help() string {
	comment, _, _ := strings.Cut(source, "package main")
	var text strings.Builder
	text.WriteString("Usage: modelgen [file.go]\n\n")
	for line := range strings.Lines(comment) {
		text.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "//"), " "))
	}
	return text.String()
}

func run(args []string) error {
	file := os.Getenv("GOFILE")
	switch {
	case len(args) == 1 && args[0] != "" && args[0][0] != '-':
		file = args[0]
	case len(args) == 1 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help"):
		_, err := io.WriteString(os.Stdout, help())
		return err
	case len(args) > 0:
		return errors.New("usage: modelgen [file.go]; modelgen -h lists the tags and directives")
	case file == "":
		return errors.New("modelgen: run it by go generate, or give it the path of a file of the package")
	}
	out, err := gen.Package(file)
	if err != nil {
		return err
	}
	return out.Write()
}
