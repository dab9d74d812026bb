package dynamic_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
)

// somePlaces are rows to choose from, numbered by ID.
func someEvents(t *testing.T) (*dynamic.Tree, []dynamic.Row) {
	tree := define(t, declareEvents().tree.Schema())
	rows := make([]dynamic.Row, 0, 3)
	for _, text := range []string{
		`{"ID":0,"Title":"go west","Level":-2,"Ratio":0.5,"tags":["a","b"],"At":"2026-11-28T10:00:00Z","Live":true,
			"Place":{"Town":"Kigali","Zip":7},"Scores":{"x":1},"Hash":{"/":{"bytes":"AQIDBA"}}}`,
		`{"ID":1,"Title":"Go","Level":3,"Ratio":-1,"tags":["b"],"At":"2026-11-28T10:00:00.5Z","Ended":"2027-01-01T00:00:00Z",
			"Stops":[{"Town":"Lomé"},{"Town":"Accra","Zip":1}]}`,
		`{"ID":18446744073709551615,"Title":"null","Level":-30000,"Ratio":1e300,"Scores":{"x":-3,"y":2}}`,
	} {
		rows = append(rows, parse(t, tree, text))
	}
	return tree, rows
}

func TestCondition(t *testing.T) {
	tree, rows := someEvents(t)
	for text, want := range map[string][]int{
		"ID = 0":                         {0},
		"ID!=0":                          {1, 2},
		"ID > 9223372036854775807":       {2},
		"ID<=1":                          {0, 1},
		"Level >= -2":                    {0, 1},
		"Level < -2":                     {2},
		"Ratio > 0.49":                   {0, 2},
		"Ratio = -1":                     {1},
		"Title = go west":                {0},
		"Title = \"go west\"":            {0},
		"Title ~ o":                      {0, 1},
		"Title ~ 'o '":                   {0},
		"Title ^= go":                    {0},
		"Title < a":                      {1},
		"Title = null":                   nil,
		"Title = 'null'":                 {2},
		"Title != null":                  {0, 1, 2},
		"Live = true":                    {0},
		"Live != true":                   {1, 2},
		"Live < true":                    {1, 2},
		"tags = b":                       {0, 1},
		"tags != b":                      {2},
		"tags ~ a":                       {0},
		"tags >= b":                      {0, 1},
		"At > 2026-11-28T10:00:00Z":      {1},
		"At = 2026-11-28T12:00:00+02:00": {0},
		"At < 2026-01-01T00:00:00Z":      {2},
		"At = null":                      {2},
		"Ended = null":                   {0, 2},
		"Ended != null":                  {1},
		"Ended < 2030-01-01T00:00:00Z":   {1},
		"Place.Town = Kigali":            {0},
		"Place.Zip = null":               {1, 2},
		"Place.Zip < 8":                  {0},
		"Place.Zip != 8":                 {0, 1, 2},
		"Place.Note = \"\"":              {0, 1, 2},
		"Stops.Town = Accra":             {1},
		"Stops.Zip = null":               {1},
		"Stops.Zip = 1":                  {1},
		"Scores.x < 0":                   {2},
		"Scores.y = null":                {0, 1},
		"Scores.y != 1":                  {0, 1, 2},
		"Hash = 0x01020304":              {0},
		"Hash ^= 0x0102":                 {0},
		"Hash ~ 0x00":                    {1, 2},
		"Phone = ''":                     {0, 1, 2},
	} {
		holds, err := tree.Condition(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []int
		for i := range rows {
			if holds(&rows[i]) {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s holds for %v, not %v", text, got, want)
		}
		if holds(&dynamic.Row{}) {
			t.Errorf("%s holds for the zero Row", text)
		}
	}
}

func TestOrder(t *testing.T) {
	tree, rows := someEvents(t)
	for text, want := range map[string]string{
		"ID": "[0 1 2]", "-ID": "[2 1 0]", "Level": "[2 0 1]", "Ratio": "[1 0 2]", "Title": "[1 0 2]",
		"At": "[2 0 1]", "-At": "[1 0 2]", "Ended": "[0 2 1]", "Place.Zip": "[1 2 0]", "-Place.Zip": "[0 1 2]",
		"Live": "[1 2 0]", "Hash": "[1 2 0]", "Scores.x": "[1 2 0]", " Place.Town ": "[1 2 0]",
	} {
		compare, err := tree.Order(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		numbers := []int{0, 1, 2}
		slices.SortStableFunc(numbers, func(a, b int) int { return compare(&rows[a], &rows[b]) })
		if got := fmt.Sprint(numbers); got != want {
			t.Errorf("%s gives %s, not %s", text, got, want)
		}
	}
}

func TestConditionRefuses(t *testing.T) {
	tree, _ := someEvents(t)
	condition := func(text string) error { _, err := tree.Condition(text); return err }
	order := func(text string) error { _, err := tree.Order(text); return err }
	for text, want := range map[string]struct {
		read  func(string) error
		error string
	}{
		"":               {condition, `"" has no operator, which is one of != <= >=`},
		"ID 5":           {condition, `"ID 5" has no operator`},
		" = 5":           {condition, "has no field before its operator"},
		"Title == go":    {condition, `"Title == go" has no operator but =; write the value in quotes if it begins with =`},
		"ID == 5":        {condition, `"ID == 5" has no operator but =`},
		"ID => 5":        {condition, "has no operator but ="},
		"ID =":           {condition, `ID: the value is missing; the empty text is written ""`},
		"Id = 5":         {condition, "Id: the model has no such field; did you mean ID?"},
		"ID = five":      {condition, `ID: "five" is no uint64`},
		"ID ~ 5":         {condition, "ID: ~ is for text and byte strings, and the field is uint64"},
		"ID > null":      {condition, "ID: null can be compared by = and != only, not by >"},
		"ID.x = 5":       {condition, "ID: it is uint64 and has no fields"},
		"Place = x":      {condition, "Place: it is a struct; ask for a field or key in it"},
		"Stops = x":      {condition, "Stops: it is a struct"},
		"Scores = x":     {condition, "Scores: it is a map"},
		"Place.Twon = x": {condition, "Place.Twon: the model has no such field; did you mean Town?"},
		"Place. = x":     {condition, "Place.: a name is missing behind the dot"},
		"At = tomorrow":  {condition, `At: "tomorrow" is no time`},
		"Hash = 5":       {condition, "Hash: "},
		"Hash = 0x01":    {condition, "Hash: there are 1 bytes, not 4"},
		"Title = 'x":     {condition, "Title: \"'x\" begins with a quote and does not end with one"},
		`Title = "x`:     {condition, "Title: "},
		"-":              {order, "the name of a field is missing"},
		"Name":           {order, "Name: the model has no such field"},
		"Place":          {order, "Place: a struct has no order"},
		"-tags":          {order, "tags: it is in a list, and rows have no order by it"},
		"Stops.Town":     {order, "Stops.Town: it is in a list"},
	} {
		err := want.read(text)
		var e *models.Error
		if !errors.Is(err, models.ErrInvalid) || !errors.As(err, &e) || e.Tree != "city.event" ||
			!strings.Contains(err.Error(), want.error) {
			t.Errorf("%q gives %v, want %s", text, err, want.error)
		}
	}
}

func TestCells(t *testing.T) {
	tree, rows := someEvents(t)
	columns := tree.Columns()
	for i := range rows {
		cells, err := tree.AppendCells(nil, &rows[i])
		if err != nil || len(cells) != len(columns) {
			t.Fatalf("%q, error %v", cells, err)
		}
		back, err := tree.ParseCells(columns, cells)
		if err != nil {
			t.Fatalf("%q: %v", cells, err)
		}
		want, _ := rows[i].AppendJSON(nil)
		if got, err := back.AppendJSON(nil); err != nil || string(got) != string(want) {
			t.Errorf("%q is %s, not %s, error %v", cells, got, want, err)
		}
	}
	cells, err := tree.AppendCells([]string{"first"}, &rows[1])
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for i, name := range columns {
		got[name] = cells[i+1]
	}
	for name, want := range map[string]string{
		"Title": "Go", "Level": "3", "Ratio": "-1.0", "tags": `["b"]`, "At": "2026-11-28T10:00:00.5Z", "Live": "false",
		"Place": `{"Town":"","Zip":null}`, "Hash": "0x00000000", "Ended": "2027-01-01T00:00:00Z", "Phone": "",
	} {
		if got[name] != want {
			t.Errorf("the cell %s is %s, not %s", name, got[name], want)
		}
	}
	if row, err := tree.ParseCells(
		[]string{"Title", "Level", "ID", "Ended", "tags"},
		[]string{"", "", "5", "", ""},
	); err != nil {
		t.Error(err)
	} else if same := parse(
		t,
		tree,
		`{"ID":5}`,
	); cellsOf(
		t,
		tree,
		&row,
	) != cellsOf(
		t,
		tree,
		&same,
	) {
		t.Errorf("empty cells give %s", cellsOf(t, tree, &row))
	}
	for want, given := range map[string][2][]string{
		"there are 1 cells for 2 columns":            {{"ID", "Title"}, {"1"}},
		"Titel: the model has no such field":         {{"Titel"}, {"1"}},
		"ID: it is there twice":                      {{"ID", "ID"}, {"", "1"}},
		`ID: "x" is no uint64`:                       {{"ID"}, {"x"}},
		`tags: byte 0: there is "b" in place of`:     {{"tags"}, {"b"}},
		`tags: byte 2: there is "]" in place of the`: {{"tags"}, {"[]]"}},
		"Place.Zip: ":                                {{"Place"}, {`{"Zip":-1}`}},
	} {
		if _, err := tree.ParseCells(
			given[0],
			given[1],
		); !errors.Is(err, models.ErrInvalid) ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %s", given, err, want)
		}
	}
	if _, err := tree.AppendCells(nil, &dynamic.Row{}); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("the cells of the zero Row: %v", err)
	}
}

func cellsOf(t testing.TB, tree *dynamic.Tree, r *dynamic.Row) string {
	t.Helper()
	cells, err := tree.AppendCells(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%q", cells)
}
