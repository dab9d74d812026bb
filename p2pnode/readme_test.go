package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// readmeCommands returns the commands of the README's section on nodes.
func readmeCommands(t *testing.T) (lines []string) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Nodes in a minute\n")
	section, _, _ = strings.Cut(section, "\n## ")
	// The program has the name of its own directory, where it cannot be written.
	if !strings.Contains(section, "\n    go build -o bin/ ./p2pnode\n") {
		t.Error("the README does not build the program of its commands")
	}
	for line := range strings.Lines(section) {
		if command, ok := strings.CutPrefix(line, "    bin/p2pnode "); ok {
			lines = append(lines, "bin/p2pnode "+strings.TrimSuffix(strings.TrimSpace(command), " &"))
		}
	}
	return lines
}

// story runs commands as processes in a directory that has what the commands name.
type story struct {
	*testing.T
	dir, temp string
	nodes     []*exec.Cmd
}

func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{T: t, dir: t.TempDir(), temp: t.TempDir()}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Abs("../examples")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"bin/p2pnode": exe, "examples": examples} {
		if err := os.Symlink(target, filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// command returns a process that does a line of the README.
func (s *story) command(line string) *exec.Cmd {
	cmd := newProgram(s.T, s.temp)
	cmd.Path, cmd.Args, cmd.Dir = "/bin/sh", []string{"sh", "-c", "exec " + line}, s.dir
	// Nodes of other tests, and of whoever is in the local network, are no part of the story.
	// By QUIC it takes up to half a minute until it is known that a peer was killed.
	cmd.Env = append(cmd.Env, "P2PNODE_PROTOCOL=/story/"+filepath.Base(filepath.Dir(s.dir)),
		"P2PNODE_LISTEN=/ip4/127.0.0.1/tcp/0")
	return cmd
}

// run does a line until it prints what is wanted.
func (s *story) run(line, want string) {
	s.Helper()
	var last string
	await(s.T, fmt.Sprintf("%s: %q", line, want), func() bool {
		out, err := s.command(line).CombinedOutput()
		if last != string(out) {
			last = string(out)
			s.Logf("$ %s\n%s", line, last)
		}
		return err == nil && strings.Contains(last, want)
	})
}

// start runs a node.
func (s *story) start(line string) {
	s.Helper()
	cmd := s.command(line)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.nodes = append(s.nodes, cmd)
	s.Logf("$ %s &", line)
	s.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if s.Failed() {
			s.Logf("$ %s\n%s", line, out.String())
		}
	})
}

// address returns an address of a node.
func (s *story) address(dir string) (address string) {
	s.Helper()
	await(s.T, dir+" has an address", func() bool {
		out, err := s.command("bin/p2pnode stat -dir " + dir).Output()
		for line := range strings.Lines(string(out)) {
			if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "address" {
				address = fields[1]
				return err == nil
			}
		}
		return false
	})
	return address
}

// TestReadme does what the README does: a record that is put into one node is found by its index in
// another, and resolved by a third after the first was killed, which then syncs with the other.
func TestReadme(t *testing.T) {
	lines := readmeCommands(t)
	if len(lines) != 8 {
		t.Fatalf("the README has other commands than this test: %q", lines)
	}
	for _, by := range []string{"mdns", "bootstrap"} {
		t.Run(by, func(t *testing.T) {
			if by == "mdns" && !multicastWorks(t) {
				t.Skip("multicast does not work here")
			}
			s := newStory(t)
			second := lines[1]
			s.start(lines[0])
			if by == "bootstrap" {
				second = strings.Replace(second, "-mdns", "-bootstrap "+s.address("one"), 1)
			}
			s.start(second)
			s.run(lines[2]+" -json", `"routing":true`)
			s.run(lines[3], "club.member 1: stored, taken by ") // there may be other peers in the local network
			s.run(lines[4], "\n 1  Ann   ann@example.com\n")
			s.start(strings.Replace(lines[5], "ADDRESS", s.address("one"), 1))
			s.address("three") // it runs
			if err := s.nodes[1].Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = s.nodes[1].Wait() // it says that it was killed
			s.run(lines[6], "Ann")
			s.run(lines[7], ": 1 record differed, 1 pulled, 0 pushed\n")
		})
	}
}

// multicastWorks reports whether what is sent to a group reaches the members on this machine.
func multicastWorks(t *testing.T) bool {
	t.Helper()
	group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 0}
	in, err := net.ListenMulticastUDP("udp4", nil, group)
	if err != nil {
		return false
	}
	defer in.Close()
	group.Port = in.LocalAddr().(*net.UDPAddr).Port
	out, err := net.DialUDP("udp4", nil, group)
	if err != nil {
		return false
	}
	defer out.Close()
	if _, err := out.Write([]byte("probe")); err != nil {
		return false
	}
	if err := in.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _, err = in.ReadFromUDP(make([]byte, 8))
	return err == nil
}
