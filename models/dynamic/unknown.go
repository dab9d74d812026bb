package dynamic

import (
	"errors"
	"fmt"
	"strings"
)

// unknown is the error of a name that no field of a struct has. It names the field that was likely meant.
func (n *node) unknown(name string) error {
	best, distance := "", min(2+len(name)/4, len(name))
	for i := range n.fields {
		other := n.fields[i].Name
		if strings.EqualFold(name, other) {
			best = other
			break
		}
		if d := editDistance(strings.ToLower(name), strings.ToLower(other), distance); d < distance {
			best, distance = other, d
		}
	}
	if best == "" {
		return errors.New("the model has no such field")
	}
	return fmt.Errorf("the model has no such field; did you mean %s?", best)
}

// editDistance returns how many bytes have to be added, removed or replaced to make b of a, or limit if
// that is less.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}
