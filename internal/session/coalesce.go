package session

// Rows returns the changes of the commit, one for each row: a row that the transaction has written
// several times counts as changed from what it was before to what it was in the end, and one that
// is absent before and after does not count. The slice is shared.
func (c *Commit) Rows() []Change {
	c.coalesce.Do(func() { c.rows = coalesce(c.Changes) })
	return c.rows
}

// fewChanges is up to how many changes are compared with each other.
const fewChanges = 8

func coalesce(changes []Change) []Change {
	type row struct {
		tree *Tree
		key  string
	}
	var seen map[row]int
	if len(changes) > fewChanges {
		seen = make(map[row]int, len(changes))
	}
	// earlier returns the number of the change among rows that is of the row of c, or -1.
	earlier := func(rows []Change, c *Change) int {
		if seen != nil {
			if i, ok := seen[row{c.Tree, string(c.Key)}]; ok {
				return i
			}
			return -1
		}
		for i := range rows {
			if rows[i].Tree == c.Tree && string(rows[i].Key) == string(c.Key) {
				return i
			}
		}
		return -1
	}
	rows := changes[:0:0]
	for i := range changes {
		c := &changes[i]
		if at := earlier(rows, c); at >= 0 {
			rows[at].New, rows[at].Origin = c.New, c.Origin
			continue
		}
		if seen != nil {
			seen[row{c.Tree, string(c.Key)}] = len(rows)
		}
		rows = append(rows, *c)
	}
	kept := rows[:0]
	for _, c := range rows {
		if c.Old != nil || c.New != nil {
			kept = append(kept, c)
		}
	}
	return kept
}
