package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// newTerminal returns the two ends of a terminal: the one of the person, and that of the program.
func newTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no terminals here:", err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	if program, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// asking runs verify -passphrase on a terminal until it has asked.
func asking(t *testing.T, path string, terminal *os.File) (cmd *exec.Cmd, errors *bufio.Reader) {
	t.Helper()
	cmd = newProgram(t, t.TempDir(), "verify", "-passphrase", path)
	cmd.Stdin = terminal
	pipe, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	errors = bufio.NewReader(pipe)
	if prompt, err := errors.ReadString(' '); err != nil || prompt != "Passphrase: " {
		t.Fatalf("it asks %q, %v", prompt, err)
	}
	for asked := time.Now(); echoes(t, terminal); { // it asks first
		if time.Since(asked) > 10*time.Second {
			t.Fatal("the terminal echoes what is typed")
		}
	}
	return cmd, errors
}

// TestPassphraseOnTerminal types a passphrase, which the terminal does not show, and interrupts
// the program while it asks for one.
func TestPassphraseOnTerminal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	closeStore(t, write(t, bolt.Engine(path), encrypted(datastore.Passphrase([]byte("correct horse")))))
	for typed, status := range map[string]int{"correct horse\n": exitOK, "correct house\n": exitUsage, "": exitInterrupted} {
		person, terminal := newTerminal(t)
		cmd, said := asking(t, path, terminal)
		var err error
		if typed == "" {
			err = cmd.Process.Signal(os.Interrupt)
		} else {
			_, err = person.WriteString(typed)
		}
		if err != nil {
			t.Fatal(err)
		}
		var rest strings.Builder
		_, copyErr := said.WriteTo(&rest)
		_ = cmd.Wait() // its exit status tells
		if got := cmd.ProcessState.ExitCode(); got != status || copyErr != nil {
			t.Errorf("after %q: exit status %d, want %d: %s, %v", typed, got, status, rest.String(), copyErr)
		}
		if !echoes(t, terminal) {
			t.Errorf("after %q: the terminal does not echo any more", typed)
		}
	}
}
