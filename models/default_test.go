package models_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

type (
	port struct {
		Town  string
		Depth *float32 `cbor:"depth,omitempty"`
	}
	vessel struct {
		ID     uint64
		Home   port
		Next   *port
		Calls  []port
		ByName map[string]*port
		Built  time.Time
		Tags   []string
		Addr   netip.Addr
		Odd    bool  `cbor:"Home.Town"`
		Few    uint8 `netabase:"default=3"`
	}
)

func vesselWith(options ...models.TreeOption[vessel]) (*models.Tree[vessel, uint64], error) {
	tree := models.NewTree("vessel", models.Uint64, func(v *vessel) uint64 { return v.ID }, options...)
	return tree, models.NewDefinition("port", tree).Err()
}

// Each default is where its path says, and nowhere else.
func TestWithDefault(t *testing.T) {
	tree, err := vesselWith(
		models.WithDefault[vessel]("Home.Town", true), // of the field with the dot in its name
		models.WithDefault[vessel]("Home.depth", float32(1.5)),
		models.WithDefault[vessel]("Next.Town", "Beira"),
		models.WithDefault[vessel]("Calls[].Town", "Lobito"),
		models.WithDefault[vessel]("ByName{}.Town", "Tema"),
		models.WithDefault[vessel]("Tags", []string{"a", "b"}),
		models.WithDefault[vessel]("Calls", []port{{Town: "Durban"}}),
		models.WithDefault[vessel]("Next", &port{}),
		models.WithDefault[vessel]("Addr", netip.MustParseAddr("::1")),
		models.WithDefault[vessel]("Built", time.Date(1999, 1, 2, 0, 0, 0, 0, time.FixedZone("", 3600))),
		models.WithDefault[vessel]("Few", 4),
		models.WithDefault[vessel]("Few", 5),
	)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Home.Town": "\xf5", "Home.depth": "\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00", "Next.Town": "\x65Beira",
		"Calls[].Town": "\x66Lobito", "ByName{}.Town": "\x64Tema", "Tags": "\x82\x61a\x61b",
		"Calls": "\x81\xa1\x64Town\x66Durban", "Next": "\xa1\x64Town\x60", "Built": "\x741999-01-01T23:00:00Z",
		"Addr": "\x50" + strings.Repeat("\x00", 15) + "\x01", "Few": "\x05",
	}
	got := map[string]string{}
	var walk func(fields []models.Field, path string)
	walk = func(fields []models.Field, path string) {
		for _, f := range fields {
			if f.Default != nil {
				got[path+f.Name] = string(f.Default)
			}
			of, suffix := f.Type, ""
			for of.Elem != nil {
				suffix += map[string]string{"list": "[]", "map": "{}"}[string(of.Kind)]
				of = *of.Elem
			}
			walk(of.Fields, path+f.Name+suffix+".")
		}
	}
	walk(tree.Schema().Shape.Fields, "")
	for path, value := range want {
		if got[path] != value {
			t.Errorf("the default of %s is %x, want %x", path, got[path], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the defaults are %q", got)
	}

	// Another tree of the model has none of them.
	plain, err := vesselWith()
	if err != nil {
		t.Fatal(err)
	}
	clear(got)
	walk(plain.Schema().Shape.Fields, "")
	if len(got) != 1 || got["Few"] != "\x03" {
		t.Errorf("the defaults of another tree are %q", got)
	}
}

func TestWithDefaultRefuses(t *testing.T) {
	for path, option := range map[string]models.TreeOption[vessel]{
		"Town":            models.WithDefault[vessel]("Town", ""),
		"":                models.WithDefault[vessel]("", 1),
		"ID.":             models.WithDefault[vessel]("ID.", 1),
		"Home.":           models.WithDefault[vessel]("Home.", "a"),
		"Home.Depth":      models.WithDefault[vessel]("Home.Depth", float32(1)),
		"Calls[]":         models.WithDefault[vessel]("Calls[]", port{}),
		"Calls.Town":      models.WithDefault[vessel]("Calls.Town", "a"),
		"Calls{}.Town":    models.WithDefault[vessel]("Calls{}.Town", "a"),
		"Calls[].Town.x":  models.WithDefault[vessel]("Calls[].Town.x", "a"),
		"Few":             models.WithDefault[vessel]("Few", 256),
		"Home":            models.WithDefault[vessel]("Home", struct{ City string }{}),
		"Home.depth":      models.WithDefault[vessel]("Home.depth", 1e300),
		"Calls[].Town ":   models.WithDefault[vessel]("Calls[].Town ", "a"),
		"ByName{}.Town":   models.WithDefault[vessel]("ByName{}.Town", 'a'),
		"Next.Town":       models.WithDefault[vessel]("Next.Town", "\xff"),
		"Tags":            models.WithDefault[vessel]("Tags", func() {}),
		"Built":           models.WithDefault[vessel]("Built", "today"),
		"ByName{}.depth":  models.WithDefault[vessel]("ByName{}.depth", any(1.5)),
		"Calls[].depth[]": models.WithDefault[vessel]("Calls[].depth[]", 1.5),
	} {
		if _, err := vesselWith(option); !errors.Is(err, models.ErrDefinition) || !strings.Contains(err.Error(), "the default of "+path+": ") {
			t.Errorf("%q: %v", path, err)
		}
	}
}
