package main

import (
	"bufio"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/sys/unix"
)

// TestTerminal checks that a table fits a narrow terminal, and that colours can be switched off.
func TestTerminal(t *testing.T) {
	dir := newNode(t)
	const width = 40
	for _, plain := range []bool{false, true} {
		person, terminal := newTerminal(t)
		size := &unix.Winsize{Row: 24, Col: width}
		if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, size); err != nil {
			t.Fatal(err)
		}
		cmd := newProgram(t, t.TempDir(), "config", "-dir", dir)
		cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=")
		if plain {
			cmd.Env = append(cmd.Env, "NO_COLOR=1")
		}
		cmd.Stdout = terminal
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(person)
		var shown []string
		for lines.Scan() {
			shown = append(shown, lines.Text())
			if strings.HasPrefix(lines.Text(), "log-format") { // the last setting
				break
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if bold := strings.HasPrefix(shown[0], "\x1b[1mSETTING"); bold == plain {
			t.Errorf("NO_COLOR %t: %q", plain, shown[0])
		}
		cut := false
		for _, line := range shown {
			line = strings.TrimSuffix(line, "\r")
			cut = cut || strings.Contains(line, "…")
			if ansi.StringWidth(line) > width || plain && strings.ContainsRune(line, '\x1b') {
				t.Errorf("NO_COLOR %t: %q", plain, line)
			}
		}
		if !cut {
			t.Errorf("nothing was cut: %q", shown)
		}
	}
	out, _, _ := run(t, "config", "-dir", dir)
	if strings.ContainsAny(out, "…\x1b") {
		t.Errorf("in a pipe: %q", out)
	}
}
