package shape

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/internal/format"
	"github.com/newsnet-africa/netabase-go/models/internal/keyname"
)

// Schema describes a tree, so that other programs, languages and peers can read its rows and
// records without its Go type. docs/format.md describes the file that it is written to, under
// "Schema files".
type Schema struct {
	// Tree is the tree's full name, "blog.user".
	Tree string
	// Key and Codec name the codecs of primary keys and values.
	Key, Codec string
	// Policy is the name of the tree's policy: local, open, signed or immutable.
	Policy string
	// Shape is the shape of the model, a Struct. The Was of its fields is not written.
	Shape Type
	// KeyFields are the names of the model's fields that the primary key is made of, as they are
	// encoded: one for each part of a pair, triple or quad, otherwise one. Nil if the declaration does
	// not say them.
	KeyFields []string
	// KeyVersion is the version of the primary key, as models.WithKeyVersion counts them.
	KeyVersion uint32
	// Clock is the name of the model's field that tells how new a row is, an integer or a time.
	// Empty if the declaration does not say it.
	Clock string
	// ComputedClock says that a function of the program tells how new a row is, by no field that
	// Clock could name. A program without the function cannot choose between two records.
	ComputedClock bool
	// Merged says that a function of the program makes one row of two with one primary key, in a tree
	// that is open. A program without the function cannot exchange records of the tree.
	Merged bool
	// Tombstones says that deletions of rows travel, in a tree that is open. Nil if they do not.
	Tombstones *Tombstones
	// Indexes are the tree's indexes.
	Indexes []Index
	// Topics are those of the tree's topics that all rows belong to. Which rows belong to another one,
	// only the program that declares it can tell.
	Topics []Topic
}

// Topic describes a topic that all rows of a tree belong to.
type Topic struct {
	// Name is the topic's own.
	Name string
	// Version is the version of the topic, as models.IndexVersion counts them.
	Version uint32
}

// Index describes an index of a tree.
type Index struct {
	// Name is the index's own, "email".
	Name string
	// Kind is index, unique, multi or claim, as in the store's catalog.
	Kind string
	// Key names the codec of index keys.
	Key string
	// Partial says that the index leaves out some rows.
	Partial bool
	// Blind says that the index hides its keys: see models.NewBlind.
	Blind bool
	// Version is the version of the index, as models.IndexVersion counts them.
	Version uint32
	// Fields are the names of the model's fields that index keys are made of, as Schema.KeyFields. In
	// a multi one of them is a list, each element of which gives a key. Nil if the declaration does
	// not say them.
	Fields []string
	// Optional are those of Fields without which a row has no key: their value is the zero value of
	// their Go type. A partial index that has Fields has these.
	Optional []string
}

// MaxSchemaSize is how many bytes a schema file may have. 4 096 fields, each nested as deep as
// may be, take less if their names and defaults have 1 000 bytes each.
const MaxSchemaSize = 16 << 20

// schemaVersion is the version of schema files that this package writes. It reads no other.
const schemaVersion = 1

// ErrOtherTree is returned where a schema describes another tree than the one that is asked about.
var ErrOtherTree = errors.New("schema of another tree")

// Check returns an error that matches [ErrInvalid] for a schema that no tree can have.
func (s Schema) Check() error {
	if err := s.check(); err != nil {
		return fmt.Errorf("%w: schema: %w", ErrInvalid, err)
	}
	return nil
}

func (s Schema) check() error {
	definition, tree, _ := strings.Cut(s.Tree, ".")
	switch {
	case !isName(definition) || !isName(tree):
		return fmt.Errorf("tree: %.140q is not the full name of a tree, as in blog.user", s.Tree)
	case !slices.Contains([]string{"local", "open", "signed", "immutable"}, s.Policy):
		return fmt.Errorf("policy: %.40q is unknown; it is local, open, signed or immutable", s.Policy)
	case s.Shape.Kind != Struct:
		return fmt.Errorf("shape: the kind of a model is struct, not %.40q", string(s.Shape.Kind))
	}
	if err := checkCodec("key", s.Key); err != nil {
		return err
	}
	if err := checkCodec("codec", s.Codec); err != nil {
		return err
	}
	if err := s.Shape.check(&bounds{}, ""); err != nil {
		return fmt.Errorf("shape: %w", err)
	}
	names := make(map[string]bool, len(s.Indexes))
	for i, ix := range s.Indexes {
		path := fmt.Sprintf("indexes[%d].", i)
		switch {
		case !isName(ix.Name):
			return fmt.Errorf("%sname: %.80q is not the name of an index", path, ix.Name)
		case names[ix.Name]:
			return fmt.Errorf("%sname: two indexes are named %s", path, ix.Name)
		case !slices.Contains([]string{"index", "unique", "multi", "claim"}, ix.Kind):
			return fmt.Errorf("%skind: %.40q is unknown; it is index, unique, multi or claim", path, ix.Kind)
		}
		names[ix.Name] = true
		if err := checkCodec(path+"key", ix.Key); err != nil {
			return err
		}
		if err := s.checkFields(path+"fields", ix.Key, ix.Fields); err != nil {
			return err
		}
		if err := ix.checkOptional(path + "optional"); err != nil {
			return err
		}
	}
	for i, topic := range s.Topics {
		path := fmt.Sprintf("topics[%d].name", i)
		switch {
		case !isName(topic.Name):
			return fmt.Errorf("%s: %.80q is not the name of a topic", path, topic.Name)
		case names[topic.Name]:
			return fmt.Errorf("%s: two indexes or topics are named %s", path, topic.Name)
		case s.Policy == "local":
			return fmt.Errorf("%s: the policy is local, and only a tree that travels has topics", path)
		}
		names[topic.Name] = true
	}
	if err := s.checkFields("keyFields", s.Key, s.KeyFields); err != nil {
		return err
	}
	if s.Merged && s.Policy != "open" {
		return fmt.Errorf("merge: the policy is %s, and only an open tree is merged", s.Policy)
	}
	if err := s.checkClock(); err != nil {
		return err
	}
	return s.checkTombstones()
}

// checkFields checks the names of the fields that a key is made of.
func (s Schema) checkFields(path, codec string, names []string) error {
	if names == nil {
		return nil
	}
	if parts := keyParts(codec); len(names) != parts {
		return fmt.Errorf("%s: there are %d names, and %.140s has %d parts", path, len(names), codec, parts)
	}
	for _, name := range names {
		if s.field(name) == nil {
			return fmt.Errorf("%s: the shape has no field %.80q", path, name)
		}
	}
	return nil
}

// checkOptional checks the names of fields without which a row has no key.
func (ix Index) checkOptional(path string) error {
	if partial := ix.Partial && ix.Fields != nil; partial != (len(ix.Optional) > 0) {
		return fmt.Errorf("%s: an index has optional fields just if it is partial and has fields", path)
	}
	for _, name := range ix.Optional {
		if !slices.Contains(ix.Fields, name) {
			return fmt.Errorf("%s: %.80q is none of the fields of the index", path, name)
		}
	}
	return nil
}

// maxKeyFields is how many fields a key has at most: those of a quad.
const maxKeyFields = 4

// keyParts returns how many parts the keys of a codec have.
func keyParts(codec string) int {
	if _, parts, composite := keyname.Parts(codec); composite {
		return len(parts)
	}
	return 1
}

func (s Schema) checkClock() error {
	switch {
	case s.Clock == "":
		return nil
	case s.ComputedClock:
		return errors.New("computedClock: the clock is a field")
	}
	f := s.field(s.Clock)
	switch {
	case f == nil:
		return fmt.Errorf("clock: the shape has no field %.80q", s.Clock)
	case f.Type.Kind != Time && !f.Type.Kind.unsigned() && !f.Type.Kind.signed():
		return fmt.Errorf("clock: the field %.80q is neither an integer nor a time", s.Clock)
	}
	return nil
}

// field returns the field of the model with the given name, or nil.
func (s Schema) field(name string) *Field {
	i := slices.IndexFunc(s.Shape.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Shape.Fields[i]
}

// isName reports whether name can be that of a definition, tree or index.
func isName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-')
	})
}

// maxCodecName is the longest name of a codec that a schema can have, in bytes. Those of composite
// keys have the names of their parts.
const maxCodecName = 1_024

// checkCodec checks the name of a codec, which is printable ASCII.
func checkCodec(path, name string) error {
	if name == "" || len(name) > maxCodecName ||
		strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%s: %.40q is not the name of a codec", path, name)
	}
	return nil
}

// MarshalJSON writes a schema as a schema file has it, without white space.
func (s Schema) MarshalJSON() ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	hash := s.Shape.Hash()
	dst := fmt.Appendf(nil, `{"netabase":"schema","version":%d`, schemaVersion)
	for _, member := range [][2]string{
		{"tree", s.Tree},
		{"key", s.Key},
		{"codec", s.Codec},
		{"policy", s.Policy},
		{"hash", hex.EncodeToString(hash[:])},
	} {
		dst = appendJSONText(fmt.Appendf(dst, ",%q:", member[0]), member[1])
	}
	dst = s.Shape.appendJSON(append(dst, `,"shape":`...))
	dst = appendJSONNames(dst, "keyFields", s.KeyFields)
	dst = appendJSONVersion(dst, "keyVersion", s.KeyVersion)
	if s.Clock != "" {
		dst = appendJSONText(append(dst, `,"clock":`...), s.Clock)
	}
	if s.ComputedClock {
		dst = append(dst, `,"computedClock":true`...)
	}
	if s.Merged {
		dst = append(dst, `,"merge":true`...)
	}
	if s.Tombstones != nil {
		dst = s.Tombstones.appendJSON(dst)
	}
	dst = append(dst, `,"indexes":[`...)
	for i, ix := range s.Indexes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONText(append(dst, `{"name":`...), ix.Name)
		dst = appendJSONText(append(dst, `,"kind":`...), ix.Kind)
		dst = appendJSONText(append(dst, `,"key":`...), ix.Key)
		dst = fmt.Appendf(dst, `,"partial":%t`, ix.Partial)
		if ix.Blind {
			dst = append(dst, `,"blind":true`...)
		}
		dst = appendJSONVersion(dst, "version", ix.Version)
		dst = appendJSONNames(dst, "fields", ix.Fields)
		dst = appendJSONNames(dst, "optional", ix.Optional)
		dst = append(dst, '}')
	}
	dst = append(dst, ']')
	for i, topic := range s.Topics {
		if i == 0 {
			dst = append(dst, `,"topics":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = appendJSONText(append(dst, `{"name":`...), topic.Name)
		dst = append(appendJSONVersion(dst, "version", topic.Version), '}')
	}
	if len(s.Topics) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}'), nil
}

// Write writes a schema file, with a line for each member. A schema for which Check returns an
// error, or whose file would be larger than [MaxSchemaSize], gives an error that matches
// [ErrInvalid].
func (s Schema) Write(w io.Writer) error {
	compact, err := s.MarshalJSON()
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := json.Indent(&file, compact, "", "\t"); err != nil {
		return err
	}
	file.WriteByte('\n')
	if file.Len() > MaxSchemaSize {
		return fmt.Errorf("%w: schema: the file would have %d bytes, more than %d", ErrInvalid, file.Len(), MaxSchemaSize)
	}
	_, err = w.Write(file.Bytes())
	return err
}

// ReadSchema reads a schema file, at most [MaxSchemaSize] bytes of r and one. A file that is
// malformed, has members that are unknown, repeated or missing, or has another hash than its shape,
// gives an error that matches [ErrInvalid] and says what is wrong in which line and member. A file
// of a later version gives an error that matches models.ErrVersion.
func ReadSchema(r io.Reader) (s Schema, err error) {
	src, err := io.ReadAll(io.LimitReader(r, MaxSchemaSize+1))
	if err != nil {
		return s, fmt.Errorf("read schema: %w", err)
	}
	if len(src) > MaxSchemaSize {
		return s, fmt.Errorf("%w: schema: the file has more than %d bytes", ErrInvalid, MaxSchemaSize)
	}
	err = s.UnmarshalJSON(src)
	return s, err
}

// UnmarshalJSON reads what [Schema.Write] writes, as [ReadSchema] does.
func (s *Schema) UnmarshalJSON(src []byte) error {
	read, err := readSchema(src)
	switch {
	case errors.Is(err, format.ErrVersion):
		return fmt.Errorf("schema: %w", err)
	case err != nil:
		return fmt.Errorf("%w: schema: %w", ErrInvalid, err)
	}
	*s = read
	return nil
}

func readSchema(src []byte) (s Schema, err error) {
	if err := checkVersion(src); err != nil {
		return s, err
	}
	r := newJSONReader(src)
	var hash []byte
	required := []string{"netabase", "version", "tree", "key", "codec", "policy", "hash", "shape", "indexes"}
	err = r.object("", required, func(name, path string) (_ bool, err error) {
		switch name {
		case "netabase", "version":
			_, err = r.token(path) // checkVersion has seen them
		case "tree":
			s.Tree, err = r.text(path)
		case "key":
			s.Key, err = r.text(path)
		case "codec":
			s.Codec, err = r.text(path)
		case "policy":
			s.Policy, err = r.text(path)
		case "hash":
			hash, err = r.bytes(path)
		case "shape":
			s.Shape, err = r.readType(path)
		case "keyFields":
			s.KeyFields, err = r.names(path)
		case "keyVersion":
			s.KeyVersion, err = r.version(path)
		case "clock":
			if s.Clock, err = r.text(path); err == nil && s.Clock == "" {
				err = r.fail(path, "it is left out or the name of a field")
			}
		case "computedClock":
			s.ComputedClock, err = r.trueOnly(path)
		case "merge":
			s.Merged, err = r.trueOnly(path)
		case "tombstones":
			s.Tombstones, err = r.readTombstones(path)
		case "indexes":
			err = r.list(path, func(path string) error {
				ix, err := r.readIndex(path)
				s.Indexes = append(s.Indexes, ix)
				return err
			})
		case "topics":
			err = r.list(path, func(path string) error {
				topic, err := r.readTopic(path)
				s.Topics = append(s.Topics, topic)
				return err
			})
			if err == nil && len(s.Topics) == 0 {
				err = r.fail(path, "it is left out or has a topic")
			}
		default:
			return false, nil
		}
		return true, err
	})
	if err == nil {
		err = r.end()
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return s, err
	}
	if want := s.Shape.Hash(); !bytes.Equal(hash, want[:]) {
		return s, fmt.Errorf("hash: %.64x is not that of the shape, which is %x", hash, want)
	}
	return s, nil
}

// checkVersion refuses what is no schema file of this version. A later one may have other members,
// and in another order.
func checkVersion(src []byte) error {
	var head struct {
		Netabase string          `json:"netabase"`
		Version  json.RawMessage `json:"version"`
	}
	err := json.Unmarshal(src, &head)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		line := 1 + bytes.Count(src[:min(int(syntax.Offset), len(src))], []byte("\n"))
		return fmt.Errorf("line %d: it is not JSON: %w", line, err)
	case err != nil || head.Netabase != "schema":
		return errors.New(`it is not a schema file, which has the members "netabase": "schema" and "version": 1`)
	}
	var version uint32
	if err := json.Unmarshal(head.Version, &version); err != nil || version == 0 {
		return fmt.Errorf("version: %.40q is not a number from 1 on", head.Version)
	}
	if version > schemaVersion {
		return fmt.Errorf("%w: its version is %d, this program knows %d", format.ErrVersion, version, schemaVersion)
	}
	return nil
}

func (r *jsonReader) readIndex(path string) (ix Index, err error) {
	required := []string{"name", "kind", "key", "partial"}
	err = r.object(path, required, func(name, path string) (_ bool, err error) {
		switch name {
		case "name":
			ix.Name, err = r.text(path)
		case "kind":
			ix.Kind, err = r.text(path)
		case "key":
			ix.Key, err = r.text(path)
		case "partial":
			ix.Partial, err = r.bool(path)
		case "blind":
			ix.Blind, err = r.trueOnly(path)
		case "version":
			ix.Version, err = r.version(path)
		case "fields":
			ix.Fields, err = r.names(path)
		case "optional":
			ix.Optional, err = r.names(path)
		default:
			return false, nil
		}
		return true, err
	})
	return ix, err
}

func (r *jsonReader) readTopic(path string) (topic Topic, err error) {
	err = r.object(path, []string{"name"}, func(name, path string) (_ bool, err error) {
		switch name {
		case "name":
			topic.Name, err = r.text(path)
		case "version":
			topic.Version, err = r.version(path)
		default:
			return false, nil
		}
		return true, err
	})
	return topic, err
}

// trueOnly reads a member that is left out where it would be false.
func (r *jsonReader) trueOnly(path string) (bool, error) {
	value, err := r.bool(path)
	if err == nil && !value {
		err = r.fail(path, "it is left out or true")
	}
	return value, err
}
