package table

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Pair is a line of Pairs.
type Pair struct{ Name, Value string }

// Pairs prints names and their values, one a line. Pairs without a value are left out. Long values are
// not cut: there is nothing beside them.
func Pairs(out Output, pairs ...Pair) error {
	width := 0
	for _, p := range pairs {
		if p.Value != "" {
			width = max(width, ansi.StringWidth(Printable(p.Name)))
		}
	}
	for _, p := range pairs {
		if p.Value == "" {
			continue
		}
		name := Printable(p.Name)
		space := strings.Repeat(" ", width-ansi.StringWidth(name))
		if _, err := fmt.Fprintln(out.w, name+space+gap+Printable(p.Value)); err != nil {
			return err
		}
	}
	return nil
}
