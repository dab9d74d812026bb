package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The contenders of compare browser, the typed tree first.
var browserContenders = []string{"netabase", "dexie", "idb"}

// browserBounds are the most time that a typed tree may take, as multiples of Dexie's.
var browserBounds = map[string]float64{
	"rows in one transaction": 0.2, "transactions of one row, strict": 1, "transactions of one row, relaxed": 1,
	"get by key": 1, "find by index": 1, "iterate": 0.5,
}

// rowsPerAuthor is how many rows have the same index key.
const rowsPerAuthor = 10

// warmUp has each contender do all that is measured once, so that the browser has compiled it.
func (m *browserMeasure) warmUp() error {
	emit := m.emit
	defer func() { m.emit = emit }()
	m.emit = func(comparison) error { return nil }
	return m.small()
}

// small measures what takes place in a database of some thousand rows.
func (m *browserMeasure) small() error {
	rows, calls, authors := m.o.rows, m.o.calls, max(m.o.rows/rowsPerAuthor, 1)
	err := m.compare("strict", []browserCase{
		{"", 0, "prepare", []any{0, rows, authors}},
		{"rows in one transaction", rows, "insert", nil},
		{"get by key", calls, "get", []any{calls, rows}},
		{"find by index", calls, "find", []any{calls, authors}},
		{"", 0, "prepare", []any{rows, calls, authors}},
		{"transactions of one row, strict", calls, "each", nil},
	})
	return errors.Join(err, m.compare("relaxed", []browserCase{
		{"", 0, "prepare", []any{0, calls, authors}},
		{"transactions of one row, relaxed", calls, "each", nil},
	}))
}

// browserCase is something that a contender does, and is measured if it has a name.
type browserCase struct {
	name string
	rows int
	what string
	args []any
}

// compare has each contender do the cases in a database of its own, beginning with another one each round,
// and compares their answers.
func (m *browserMeasure) compare(durability string, cases []browserCase) error {
	times := map[string][]took{}
	for i := range browserContenders {
		who := browserContenders[(i+m.round)%len(browserContenders)]
		name := who + " " + durability
		if _, err := m.measure(who, "open", name, durability); err != nil {
			return err
		}
		for _, c := range cases {
			t, err := m.measure(who, c.what, c.args...)
			if err != nil {
				return err
			}
			times[who] = append(times[who], t)
		}
		if err := m.end(who, name); err != nil {
			return err
		}
	}
	return m.report(cases, times)
}

func (m *browserMeasure) report(cases []browserCase, times map[string][]took) error {
	ours := times[browserContenders[0]]
	for i, c := range cases {
		if c.name == "" {
			continue
		}
		for _, rival := range browserContenders[1:] {
			theirs := times[rival][i]
			if ours[i].Answer != theirs.Answer {
				return fmt.Errorf("%s: the typed tree read %v, %s %v", c.name, ours[i].Answer, rival, theirs.Answer)
			}
			r := comparison{
				Case: c.name, Engine: "indexeddb", Rows: c.rows, Round: m.round, Value: ours[i].MS, Unit: "ms",
				Against: rival, Base: theirs.MS,
			}
			if rival == "dexie" {
				r.AtMost = browserBounds[c.name]
			}
			if err := m.emit(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// large measures what takes place in a database of many rows, which has been opened anew.
func (m *browserMeasure) large() error {
	const mostOpening, mostGrowth = 300, 16 << 10 // milliseconds, KiB
	opened, read := map[string][]took{}, map[string][]took{}
	var before, after float64
	authors := max(m.o.many/rowsPerAuthor, 1)
	for i := range browserContenders {
		who := browserContenders[(i+m.round)%len(browserContenders)]
		name := who + " large"
		if _, err := m.measure(who, "open", name, "relaxed"); err != nil {
			return err
		}
		for first := 0; first < m.o.many; first += m.o.rows {
			if _, err := m.measure(who, "prepare", first, min(m.o.rows, m.o.many-first), authors); err != nil {
				return err
			}
			if _, err := m.measure(who, "insert"); err != nil {
				return err
			}
		}
		if _, err := m.measure(who, "close"); err != nil {
			return err
		}
		t, err := m.measure(who, "open", name, "relaxed")
		if err != nil {
			return err
		}
		opened[who] = []took{t}
		if before, err = m.memory(who, before); err != nil {
			return err
		}
		if t, err = m.measure(who, "iterate"); err != nil {
			return err
		}
		read[who] = []took{t}
		if after, err = m.memory(who, after); err != nil {
			return err
		}
		if err := m.end(who, name); err != nil {
			return err
		}
	}
	ours := browserContenders[0]
	return errors.Join(
		m.report([]browserCase{{"iterate", m.o.many, "", nil}}, read),
		m.report([]browserCase{{"open", m.o.many, "", nil}}, opened),
		m.emit(comparison{
			Case: "open", Engine: "indexeddb", Rows: m.o.many, Round: m.round, Value: opened[ours][0].MS, Unit: "ms",
			Against: "bound", Base: mostOpening, AtMost: 1,
		}),
		m.emit(comparison{
			Case: "heap grows while iterating", Engine: "indexeddb", Rows: m.o.many, Round: m.round,
			Value: max(after-before, 0), Unit: "KiB", Against: "bound", Base: mostGrowth, AtMost: 1,
		}),
	)
}

// memory returns how much memory the typed tree has, in KiB, or what it was for the others.
func (m *browserMeasure) memory(who string, was float64) (float64, error) {
	if who != browserContenders[0] {
		return was, nil
	}
	t, err := m.measure(who, "memory")
	return t.Answer, err
}

func (m *browserMeasure) measure(who, what string, args ...any) (took, error) {
	list, err := json.Marshal(append([]any{who, what}, args...))
	if err != nil {
		return took{}, err
	}
	return m.call(fmt.Sprintf("measure(...%s)", list))
}

// end closes a contender's database and removes it.
func (m *browserMeasure) end(who, name string) error {
	if _, err := m.measure(who, "close"); err != nil {
		return err
	}
	_, err := m.call(fmt.Sprintf("remove(%q)", name))
	return err
}
