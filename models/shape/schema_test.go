package shape_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

var userSchema = shape.Schema{
	Tree: "blog.user", Key: "pair(string,uint64)", Codec: "dag-cbor", Policy: "open", Shape: user,
	KeyFields: []string{"Name", "ID"}, KeyVersion: 4_294_967_295, Clock: "ID",
	Tombstones: &shape.Tombstones{Age: 720 * time.Hour, Unit: time.Second},
	Indexes: []shape.Index{
		{Name: "name", Kind: "index", Key: "string", Partial: true, Fields: []string{"Name"}, Optional: []string{"Name"}},
		{Name: "id", Kind: "claim", Key: "uint64", Blind: true, Version: 2},
	},
}

func write(t testing.TB, s shape.Schema) string {
	t.Helper()
	var file bytes.Buffer
	if err := s.Write(&file); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func TestSchemaRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		want := userSchema
		if rapid.Bool().Draw(r, "without fields") {
			want.Shape, want.KeyFields, want.Clock, want.Tombstones = drawStruct(r, 0), nil, "", nil
			want.Indexes = []shape.Index{{Name: "name", Kind: "index", Key: "string"}}
		}
		if rapid.Bool().Draw(r, "without indexes") {
			want.Indexes = nil
		}
		for i := range rapid.IntRange(0, 2).Draw(r, "topics") {
			version := rapid.Uint32().Draw(r, "version")
			want.Topics = append(want.Topics, shape.Topic{Name: fmt.Sprintf("topic%d", i), Version: version})
		}
		file := write(t, want)
		got, err := shape.ReadSchema(strings.NewReader(file))
		if err != nil {
			r.Fatalf("%v in\n%s", err, file)
		}
		want.Shape = sorted(want.Shape)
		if !reflect.DeepEqual(got, want) {
			r.Errorf("got %v, want %v", got, want)
		}
		if again := write(t, got); again != file {
			r.Errorf("written again as\n%s\nnot\n%s", again, file)
		}
		// A shape alone is a part of the file.
		alone, err := json.Marshal(want.Shape)
		if err != nil {
			r.Fatal(err)
		}
		var back shape.Type
		if err := json.Unmarshal(alone, &back); err != nil || !reflect.DeepEqual(back, want.Shape) {
			r.Errorf("got %v, %v, want %v", back, err, want.Shape)
		}
	})
}

// TestSchemaOrder reads a file with its members in another order and other white space.
func TestSchemaOrder(t *testing.T) {
	var members map[string]any
	if err := json.Unmarshal([]byte(write(t, userSchema)), &members); err != nil {
		t.Fatal(err)
	}
	file, err := json.MarshalIndent(members, " ", "\r\n  ") // sorted by name
	if err != nil {
		t.Fatal(err)
	}
	got, err := shape.ReadSchema(bytes.NewReader(file))
	want := userSchema
	want.Shape = sorted(user)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestSchemaRefuses(t *testing.T) {
	good := write(t, userSchema)
	hash := user.Hash()
	replace := func(old, new string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in\n%s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, c := range map[string]struct{ file, want string }{
		"nothing":            {"", "line 1: it is not JSON: unexpected end of JSON input"},
		"another file":       {`{"name":"x"}`, "it is not a schema file"},
		"a list":             {`[]`, "it is not a schema file"},
		"cut off":            {good[:len(good)/3], "it is not JSON: unexpected end"},
		"two":                {good + good, "it is not JSON: invalid character '{' after top-level value"},
		"a comma":            {replace(`"open",`, `"open",,`), "line 7: it is not JSON: invalid character ','"},
		"not UTF-8":          {replace("Homes", "Home\xff"), "it is not UTF-8"},
		"no version":         {replace("\t\"version\": 1,\n", ""), "version: \"\" is not a number from 1 on"},
		"version 0":          {replace(`"version": 1`, `"version": 0`), "version: \"0\" is not a number from 1 on"},
		"version x":          {replace(`"version": 1`, `"version": "1"`), "is not a number from 1 on"},
		"no hash":            {replace("\t\"hash\": \""+hex.EncodeToString(hash[:])+"\",\n", ""), `the member "hash" is missing`},
		"another hash":       {replace(hex.EncodeToString(hash[:]), strings.Repeat("0", 64)), "hash: " + strings.Repeat("0", 64) + " is not that of the shape"},
		"a short hash":       {replace(hex.EncodeToString(hash[:]), "00"), "hash: 00 is not that of the shape"},
		"no hex":             {replace(hex.EncodeToString(hash[:]), "xx"), `line 8: hash: "xx" is not hex`},
		"another member":     {replace(`"policy"`, `"owner": 1, "policy"`), `line 7: the member "owner" is unknown`},
		"other letters":      {replace(`"policy"`, `"Policy"`), `line 7: the member "Policy" is unknown`},
		"a member twice":     {replace(`"policy"`, `"tree": "blog.user", "policy"`), `the member "tree" is there twice`},
		"a bad tree":         {replace("blog.user", "blog/user"), `tree: "blog/user" is not the full name of a tree`},
		"no definition":      {replace("blog.user", "user"), `tree: "user" is not the full name of a tree`},
		"a longer tree":      {replace("blog.user", "blog.user.x"), "is not the full name of a tree"},
		"a bad policy":       {replace(`"open"`, `"closed"`), `policy: "closed" is unknown`},
		"a bad key":          {replace("pair(string,uint64)", "a\\nb"), `key: "a\nb" is not the name of a codec`},
		"no codec":           {replace("dag-cbor", ""), `codec: "" is not the name of a codec`},
		"a number":           {replace(`"dag-cbor"`, `7`), "line 6: codec: there is 7 in place of text"},
		"null":               {replace(`"dag-cbor"`, `null`), "codec: there is null in place of text"},
		"a bad index":        {replace(`"claim"`, `"hash"`), `indexes[1].kind: "hash" is unknown`},
		"no index":           {replace(`"name": "id"`, `"name": ""`), `indexes[1].name: "" is not the name of an index`},
		"one twice":          {replace(`"name": "id"`, `"name": "name"`), "indexes[1].name: two indexes are named name"},
		"a bad partial":      {replace(`"partial": true`, `"partial": 1`), "indexes[0].partial: there is 1 in place of true or false"},
		"no partial":         {replace(",\n\t\t\t\"partial\": true", ""), `indexes[0]: the member "partial" is missing`},
		"not blind":          {replace(`"blind": true`, `"blind": false`), "indexes[1].blind: it is left out or true"},
		"a bad kind":         {replace(`"uint64"`, `"uint65"`), `shape.fields[1].type.kind: the kind "uint65" is unknown`},
		"no struct":          {replace(`"kind": "struct"`, `"kind": "list"`), `shape: the kind of a model is struct, not "list"`},
		"no names":           {replace("\t\t\"Name\",\n\t\t\"ID\"\n", ""), "line 51: keyFields: it is left out or has names of fields"},
		"a name less":        {replace("\"Name\",\n\t\t\"ID\"", `"ID"`), "keyFields: there are 1 names, and pair(string,uint64) has 2 parts"},
		"a number as a name": {replace(`"keyFields": [`, `"keyFields": [1, `), "line 50: keyFields[0]: there is 1 in place of text"},
		"five names":         {replace(`"keyFields": [`, `"keyFields": [`+strings.Repeat(`"ID",`, 3)), "keyFields[4]: a key has at most 4 fields"},
		"no such field":      {replace("\"Name\",\n\t\t\"ID\"", `"Name", "Age"`), `keyFields: the shape has no field "Age"`},
		"no such clock":      {replace(`"clock": "ID"`, `"clock": "Age"`), `clock: the shape has no field "Age"`},
		"text as clock":      {replace(`"clock": "ID"`, `"clock": "Name"`), `clock: the field "Name" is neither an integer nor a time`},
		"two clocks":         {replace(`"clock": "ID"`, `"clock": "ID", "computedClock": true`), "computedClock: the clock is a field"},
		"no computed clock":  {replace(`"clock": "ID"`, `"computedClock": false`), "computedClock: it is left out or true"},
		"no merge":           {replace(`"clock": "ID"`, `"merge": false`), "merge: it is left out or true"},
		"a signed merge":     {replace(`"policy": "open"`, `"policy": "signed", "merge": true`), "merge: the policy is signed"},
		"no clock":           {replace(`"clock": "ID"`, `"clock": ""`), "clock: it is left out or the name of a field"},
		"another field":      {replace("\t\t\t\t\"Name\"\n", "\t\t\t\t\"\"\n"), `indexes[0].fields: the shape has no field ""`},
		"no topics":          {replace(`"clock": "ID"`, `"topics": []`), "topics: it is left out or has a topic"},
		"a topic as text":    {replace(`"clock": "ID"`, `"topics": ["all"]`), `topics[0]: there is the text "all"`},
		"a bad topic":        {replace(`"clock": "ID"`, `"topics": [{"name": "a/b"}]`), `topics[0].name: "a/b" is not the name of a topic`},
		"a topic twice":      {replace(`"clock": "ID"`, `"topics": [{"name": "a"}, {"name": "a"}]`), "topics[1].name: two indexes or topics are named a"},
		"a topic as index":   {replace(`"clock": "ID"`, `"topics": [{"name": "name"}]`), "topics[0].name: two indexes or topics are named name"},
		"no fields":          {replace(`"kind": "uint64"`, `"kind": "struct"`), `shape.fields[1].type: the member "fields" is missing`},
		"no omit":            {replace(`"omit": true`, `"omit": false`), "shape.fields[2].omit: it is left out or true"},
		"a bad default":      {replace("62616c", "01"), "Name: its default is no value of its type"},
		"a name twice":       {replace(`"name": "At"`, `"name": "ID"`), `two fields are named "ID"`},
		"a type less":        {replace(`"kind": "uint64"`, ``), `shape.fields[1].type: the member "kind" is missing`},
		"text as a type":     {replace("{\n\t\t\t\t\t\"kind\": \"uint64\"\n\t\t\t\t}", `"uint64"`), `there is the text "uint64" in place of an object`},
	} {
		_, err := shape.ReadSchema(strings.NewReader(c.file))
		if !errors.Is(err, models.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %s", name, err, c.want)
		}
	}
	_, err := shape.ReadSchema(strings.NewReader(`{"features": [], "version": 2, "netabase": "schema"}`))
	if !errors.Is(err, models.ErrVersion) || errors.Is(err, models.ErrInvalid) {
		t.Errorf("a later version: got error %v", err)
	}
}

// TestSchemaHostile reads files that are made to take time or memory.
func TestSchemaHostile(t *testing.T) {
	begin := `{"netabase":"schema","version":1,"tree":"a.b","key":"k","codec":"c","policy":"open","hash":"",` +
		`"indexes":[],"shape":`
	field := `{"name":"f","type":{"kind":"bool"}},`
	for name, c := range map[string]struct{ file, want string }{
		"a million fields": {
			begin + `{"fields":[` + strings.Repeat(`{},`, 1_000_000) + `0]}}`, `the member "name" is missing`,
		},
		"many fields": {
			begin + `{"kind":"struct","fields":[` + strings.Repeat(field, 200_000) + `0]}}`, "it has more than 4096 fields",
		},
		"a depth of 1 000": {
			begin + strings.Repeat(`{"elem":`, 1_000) + `{"kind":"bool"}` + strings.Repeat(`,"kind":"list"}`, 1_000) + "}",
			"nest more than 32 deep",
		},
		"a depth of a million": {begin + strings.Repeat(`{"elem":`, 1_000_000), "it is not JSON"},
		"a depth of 33": {
			begin + `{"kind":"struct","fields":[{"name":"a","type":` + strings.Repeat(`{"elem":`, 32) + `{"kind":"bool"}` +
				strings.Repeat(`,"kind":"list"}`, 32) + "}]}}",
			"nest more than 32 deep",
		},
		"a long file":   {begin + strings.Repeat(" ", shape.MaxSchemaSize), "has more than 16777216 bytes"},
		"a long name":   {strings.Replace(begin, "a.b", "a."+strings.Repeat("b", 1_000_000), 1) + `{"kind":"struct","fields":[]}}`, "is not the full name"},
		"a long number": {begin + strings.Repeat("7", 1_000_000) + "}", "in place of an object"},
		"many members":  {strings.Replace(begin, `"indexes":[]`, strings.Repeat(`"x":0,`, 100_000)+`"indexes":[]`, 1) + "0}", `the member "x" is unknown`},
	} {
		_, err := shape.ReadSchema(strings.NewReader(c.file))
		if !errors.Is(err, shape.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %.300v, want %s", name, err, c.want)
		}
		if len(err.Error()) > 1_000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
		src := []byte(c.file)
		alloctest.BoundBy(t, 16, len(src), func() { _ = new(shape.Schema).UnmarshalJSON(src) })
	}
}

// TestSchemaLargest writes and reads a schema at the bounds of shapes.
func TestSchemaLargest(t *testing.T) {
	long := strings.Repeat("n", 990)
	var inner []shape.Field
	for i := range shape.MaxFields - (shape.MaxDepth - 1) {
		inner = append(inner, shape.Field{Name: fmt.Sprintf("%s%04d", long, i), Type: shape.Of(shape.Uint8)})
	}
	s := userSchema
	s.KeyFields, s.Clock, s.Tombstones, s.Indexes = nil, "", nil, nil
	s.Shape = shape.StructOf(inner...)
	for range shape.MaxDepth - 1 {
		s.Shape = shape.StructOf(shape.Field{Name: "in", Type: s.Shape})
	}
	if _, err := shape.ReadSchema(strings.NewReader(write(t, s))); err != nil {
		t.Error(err)
	}
	s.Shape = shape.StructOf(shape.Field{Name: strings.Repeat("n", shape.MaxSchemaSize), Type: shape.Of(shape.Bool)})
	if err := s.Write(new(bytes.Buffer)); !errors.Is(err, shape.ErrInvalid) {
		t.Errorf("too large a file: got %v", err)
	}
	s.Shape = shape.Of(shape.Bool)
	if err := s.Write(new(bytes.Buffer)); !errors.Is(err, shape.ErrInvalid) {
		t.Errorf("no struct: got %v", err)
	}
}

func TestSchemaCompare(t *testing.T) {
	more := shape.StructOf(append([]shape.Field{{Name: "Age", Type: shape.Of(shape.Uint8)}}, user.Fields...)...)
	gone := shape.StructOf(user.Fields[1:]...)
	with := func(change func(*shape.Schema)) shape.Schema {
		s := userSchema
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		next shape.Schema
		want shape.Relation
	}{
		"itself":            {userSchema, shape.Same},
		"a field more":      {with(func(s *shape.Schema) { s.Shape = more }), shape.Newer},
		"a field less":      {with(func(s *shape.Schema) { s.Shape = gone }), shape.Older},
		"another key":       {with(func(s *shape.Schema) { s.Key = "string" }), shape.Diverged},
		"another codec":     {with(func(s *shape.Schema) { s.Codec = "own" }), shape.Diverged},
		"another policy":    {with(func(s *shape.Schema) { s.Policy = "signed" }), shape.Diverged},
		"an index less":     {with(func(s *shape.Schema) { s.Indexes = s.Indexes[:1] }), shape.Older},
		"an index more":     {with(func(s *shape.Schema) { s.Indexes = append(s.Indexes[:2:2], shape.Index{Name: "x"}) }), shape.Newer},
		"another index":     {with(func(s *shape.Schema) { s.Indexes = append(s.Indexes[:1:1], shape.Index{Name: "x"}) }), shape.Diverged},
		"an index by other": {with(func(s *shape.Schema) { s.Indexes = append(s.Indexes[:1:1], shape.Index{Name: "id"}) }), shape.Diverged},
		"a sighted index": {with(func(s *shape.Schema) {
			s.Indexes = []shape.Index{s.Indexes[0], {Name: "id", Kind: "claim", Key: "uint64"}}
		}), shape.Diverged},
		"other key fields": {with(func(s *shape.Schema) { s.KeyFields = []string{"ID", "Name"} }), shape.Diverged},
		"no key fields":    {with(func(s *shape.Schema) { s.KeyFields = nil }), shape.Same},
		"another clock":    {with(func(s *shape.Schema) { s.Clock = "At" }), shape.Diverged},
		"merged":           {with(func(s *shape.Schema) { s.Merged = true }), shape.Diverged},
		"no clock":         {with(func(s *shape.Schema) { s.Clock = "" }), shape.Same},
		"a computed clock": {with(func(s *shape.Schema) { s.Clock, s.ComputedClock = "", true }), shape.Same},
		"an index by another field": {with(func(s *shape.Schema) {
			s.Indexes = slices.Clone(s.Indexes)
			s.Indexes[0].Fields = []string{"ID"}
		}), shape.Diverged},
		"an index by a function": {with(func(s *shape.Schema) {
			s.Indexes = slices.Clone(s.Indexes)
			s.Indexes[0].Fields, s.Indexes[0].Optional = nil, nil
		}), shape.Same},
		"a topic more":  {with(func(s *shape.Schema) { s.Topics = []shape.Topic{{Name: "all"}} }), shape.Newer},
		"other order":   {with(func(s *shape.Schema) { s.Indexes = []shape.Index{s.Indexes[1], s.Indexes[0]} }), shape.Same},
		"both more":     {with(func(s *shape.Schema) { s.Shape = more; s.Indexes = append(s.Indexes[:2:2], shape.Index{Name: "x"}) }), shape.Newer},
		"more and less": {with(func(s *shape.Schema) { s.Shape = more; s.Indexes = nil }), shape.Diverged},
	} {
		if got, err := userSchema.Compare(c.next); got != c.want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, c.want)
		}
	}
	renamed := with(func(s *shape.Schema) {
		s.Shape = shape.StructOf(append([]shape.Field{
			{Name: "Number", Type: shape.Of(shape.Uint64), Was: []string{"ID"}},
			user.Fields[0],
		}, user.Fields[2:]...)...)
		s.KeyFields, s.Clock = []string{"Name", "Number"}, "Number"
	})
	if got, err := userSchema.Compare(renamed); got != shape.Newer || err != nil {
		t.Errorf("a renamed field: got %v, %v", got, err)
	}
	if got, err := renamed.Compare(userSchema); got != shape.Older || err != nil {
		t.Errorf("a renamed field, from the newer side: got %v, %v", got, err)
	}
	if _, err := userSchema.Compare(
		with(func(s *shape.Schema) { s.Tree = "blog.post" }),
	); !errors.Is(
		err,
		shape.ErrOtherTree,
	) {
		t.Errorf("another tree: got %v", err)
	}
}

func FuzzSchemaFile(f *testing.F) {
	f.Add([]byte(write(f, userSchema)))
	small := userSchema
	small.Indexes, small.KeyFields, small.Clock, small.Tombstones = nil, nil, "", nil
	small.Shape = shape.StructOf(shape.Field{Name: "a", Type: nested(2)})
	compact, err := small.MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(compact)
	f.Fuzz(func(t *testing.T, src []byte) {
		s, err := shape.ReadSchema(bytes.NewReader(src))
		if err != nil {
			if !errors.Is(err, shape.ErrInvalid) && !errors.Is(err, models.ErrVersion) {
				t.Errorf("the error has no type: %v", err)
			}
			return
		}
		again, err := shape.ReadSchema(strings.NewReader(write(t, s)))
		if err != nil {
			t.Fatal(err)
		}
		again.Shape, s.Shape = sorted(again.Shape), sorted(s.Shape)
		if len(s.Indexes) == 0 {
			s.Indexes = nil
		}
		if !reflect.DeepEqual(again, s) {
			t.Errorf("got %v, want %v", again, s)
		}
	})
}
