package table

import (
	"fmt"
	"io"
	"time"

	"github.com/charmbracelet/x/ansi"
)

const (
	// after is how long work takes before the line is shown, every how often it changes.
	after = time.Second
	every = 100 * time.Millisecond
)

// Line is a line at the bottom of a terminal that says how far some work is. It is not shown where
// there is no terminal, nor for work that is done within a second. It is for one goroutine.
type Line struct {
	out         Output
	began, last time.Time
	shown       bool
}

// NewLine returns a line for work that begins now.
func NewLine(w io.Writer) *Line { return &Line{out: To(w), began: time.Now()} }

// Show has the line say how far the work is.
func (l *Line) Show(format string, args ...any) {
	now := time.Now()
	if l.out.width == 0 || now.Sub(l.began) < after || now.Sub(l.last) < every {
		return
	}
	l.last, l.shown = now, true
	text := ansi.Truncate(Printable(fmt.Sprintf(format, args...)), l.out.width-1, ellipsis)
	fmt.Fprint(l.out.w, "\r"+text+ansi.EraseLineRight)
}

// Clear removes the line.
func (l *Line) Clear() {
	if l.shown {
		fmt.Fprint(l.out.w, "\r"+ansi.EraseLineRight)
		l.shown = false
	}
}
