// Package view shows the events of a demonstration: JSON for programs, Plain for a pipe or a
// log, and Live for a terminal.
package view

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/demo"
)

// View shows events, one at a time.
type View interface {
	// Show shows an event.
	Show(demo.Event) error
	// Close ends the view when no more events come. Shown events stay on the screen.
	Close() error
}

// JSON returns a view that writes every event as one line: its kind under "event" and then its
// fields.
func JSON(w io.Writer) View { return jsonView{w} }

type jsonView struct{ w io.Writer }

func (v jsonView) Show(e demo.Event) error {
	fields, err := json.Marshal(e)
	if err != nil {
		return err
	}
	// The encoded struct is "{}" or "{" and a field.
	line := fmt.Appendf(nil, `{"event":%q`, e.Kind())
	if len(fields) > len("{}") {
		line = append(line, ',')
	}
	line = append(append(line, fields[1:]...), '\n')
	_, err = v.w.Write(line)
	return err
}

func (jsonView) Close() error { return nil }

// plainEvery is how often Plain shows progress.
const plainEvery = 2 * time.Second

// Plain returns a view that writes a line of text for every event, with the time since the
// start and the stage. It shows progress every few seconds.
func Plain(w io.Writer) View {
	now := time.Now()
	return &plainView{w: w, began: now, told: now}
}

type plainView struct {
	w           io.Writer
	began, told time.Time
}

func (v *plainView) Show(e demo.Event) error {
	now := time.Now()
	if p, ok := e.(demo.Progress); ok && (p.Done == 0 || now.Sub(v.told) < plainEvery) {
		return nil
	}
	v.told = now
	_, err := fmt.Fprintf(v.w, "%6.1f s  %-7s  %v\n", now.Sub(v.began).Seconds(), e.In(), e)
	return err
}

func (*plainView) Close() error { return nil }
