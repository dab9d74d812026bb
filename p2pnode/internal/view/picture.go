package view

import (
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/progress"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/demo"
)

// The colours are the terminal's own sixteen, so that they suit its background.
var (
	title   = lipgloss.NewStyle().Bold(true)
	accent  = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
	good    = lipgloss.NewStyle().Foreground(lipgloss.Green)
	warning = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	bad     = lipgloss.NewStyle().Foreground(lipgloss.Red)
	faint   = lipgloss.NewStyle().Faint(true)
)

// View draws the picture: a title, a line for each stage, and as many of the peers as fit.
func (m *liveModel) View() tea.View {
	lines := []string{m.title(), ""}
	for _, stage := range demo.Stages {
		lines = append(lines, m.stageLine(stage))
	}
	// Two lines are kept for the end, and one more for the cursor.
	const kept = 3
	if len(m.peers) > 0 {
		lines = append(lines, m.peerLines(m.height-len(lines)-kept)...)
	}
	if last := m.lastLine(); last != "" {
		lines = append(lines, "", last)
	}
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], m.width, "…")
	}
	// Bubble Tea clears the last line of the picture.
	return tea.NewView(strings.Join(lines, "\n") + "\n")
}

func (m *liveModel) title() string {
	if m.setup.Peers == 0 {
		return title.Render("Netabase")
	}
	return title.Render("Netabase") + faint.Render("  "+m.setup.String())
}

// Columns of a stage's line.
const (
	nameWidth = 8
	timeWidth = 8
	barWidth  = 24
)

func (m *liveModel) stageLine(stage demo.Stage) string {
	s := m.stages[stage]
	if s == nil {
		return faint.Render("  " + string(stage))
	}
	icon, text, until := good.Render("✔"), s.text, s.ended
	switch {
	case s.failed:
		icon = bad.Render("✘")
	case s.ended.IsZero() && !m.interrupted:
		icon = m.spinner.View()
	case s.ended.IsZero():
		icon = warning.Render("■")
	}
	if s.ended.IsZero() {
		until = time.Now()
		if s.total > 0 {
			bar := progress.New(progress.WithWidth(barWidth), progress.WithoutPercentage(),
				progress.WithColors(lipgloss.Cyan), progress.WithFillCharacters('█', '░'))
			text = bar.ViewAs(float64(s.done)/float64(s.total)) + " " +
				demo.Progress{Done: s.done, Total: s.total}.String()
		}
	}
	room := m.width - 2 - nameWidth - timeWidth
	text = ansi.Truncate(text, max(room, 0), "…")
	text += strings.Repeat(" ", max(room-ansi.StringWidth(text), 0))
	return fmt.Sprintf("%s %-*s%s%s", icon, nameWidth, stage, text,
		faint.Render(fmt.Sprintf("%*s", timeWidth, demo.Seconds(until.Sub(s.began).Seconds()))))
}

// lastLine says how the demonstration has ended or is ending.
func (m *liveModel) lastLine() string {
	switch {
	case m.summary != nil && m.summary.OK():
		return good.Render(m.summary.String())
	case m.summary != nil:
		return bad.Render(m.summary.String())
	case m.interrupted:
		return warning.Render("stopping the peers; Ctrl-C again ends at once")
	}
	return ""
}

// peerLines draws the records that each peer holds. As the room shrinks, it draws a bar for
// each peer, a block for each peer, or nothing.
func (m *liveModel) peerLines(room int) []string {
	head := []string{"", m.peerHead()}
	if lines := m.peerBars(); len(head)+len(lines) <= room {
		return append(head, lines...)
	}
	if lines := m.peerBlocks(); len(head)+len(lines) <= room {
		return append(head, lines...)
	}
	return nil
}

func (m *liveModel) peerHead() string {
	head := "records held by each peer"
	marks := map[mark]bool{}
	for _, p := range m.peers {
		marks[p.mark] = true
	}
	for _, k := range []mark{stopped, back, deprived, newcomer} {
		if marks[k] {
			head += fmt.Sprintf("   %s %s", k.style().Render(k.sign()), k)
		}
	}
	return faint.Render(head)
}

// cellWidth is the least width of a peer's bar with its number and count.
const cellWidth = 20

// peerBars draws a bar for each peer, in columns.
func (m *liveModel) peerBars() []string {
	columns := max(m.width/cellWidth, 1)
	rows := (len(m.peers) + columns - 1) / columns
	width := m.width / columns
	most := m.mostHeld()
	lines := make([]string, rows)
	for i, p := range m.peers {
		const fixed = len("000 ") + len(" 00000 x ")
		bar := blocks(min(p.held, most), most, width-fixed)
		lines[i%rows] += fmt.Sprintf("%s %s %s %s ",
			faint.Render(fmt.Sprintf("%3d", i+1)), p.mark.style().Render(bar),
			fmt.Sprintf("%5d", p.held), p.mark.style().Render(p.mark.sign()))
	}
	return lines
}

// peerBlocks draws a block for each peer. Its height shows the number of records.
func (m *liveModel) peerBlocks() []string {
	most := m.mostHeld()
	var lines []string
	for i, p := range m.peers {
		if i%m.width == 0 {
			lines = append(lines, "")
		}
		block := string(levels[min(p.held, most)*(len(levels)-1)/most])
		if p.mark == stopped {
			block = p.mark.sign()
		}
		lines[len(lines)-1] += p.mark.style().Render(block)
	}
	return lines
}

// mostHeld is the number of records of a full bar, at least 1. It leaves out a new peer that
// has fetched everything, because it would make the other bars small.
func (m *liveModel) mostHeld() int {
	most := 1
	for _, p := range m.peers {
		if p.mark != newcomer {
			most = max(most, p.held)
		}
	}
	return most
}

// levels are blocks of growing height, parts blocks of growing width.
var (
	levels = []rune("▁▂▃▄▅▆▇█")
	parts  = []rune(" ▏▎▍▌▋▊▉")
)

// blocks draws n of most as a bar of the given width.
func blocks(n, most, width int) string {
	if width <= 0 {
		return ""
	}
	eighths := n * width * len(parts) / most
	bar := strings.Repeat("█", eighths/len(parts))
	if eighths%len(parts) > 0 {
		bar += string(parts[eighths%len(parts)])
	}
	return bar + strings.Repeat(" ", width-ansi.StringWidth(bar))
}

func (k mark) String() string {
	return [...]string{
		running: "running", stopped: "stopped", back: "back, intact", deprived: "back, not intact", newcomer: "new",
	}[k]
}

func (k mark) sign() string {
	return [...]string{running: " ", stopped: "×", back: "✔", deprived: "✘", newcomer: "+"}[k]
}

func (k mark) style() lipgloss.Style {
	return [...]lipgloss.Style{running: accent, stopped: faint, back: good, deprived: bad, newcomer: warning}[k]
}
