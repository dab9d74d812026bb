package powerloss

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	diskSize = 256 << 20
	// quickly bounds the time until enough is committed. It is generous: it ends tests that would hang.
	quickly = 30 * time.Second
)

// Lose runs the test that t belongs to in another process, with env added to its environment, takes the power away
// once that has said enough times that it has committed something, and mounts what is left. When the process has
// stopped, it calls stopped, if not nil, with the path at which it has written. It skips the test where that cannot be
// done.
func Lose(t *testing.T, enough int, stopped func(path string), env ...string) Left {
	t.Helper()
	dir := t.TempDir()
	image := filepath.Join(dir, "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, diskSize); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", image).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4 is needed: %v %s", err, out)
	}
	live := mount(t, image, filepath.Join(dir, "live"))
	path := filepath.Join(live, "db")
	acked, kill := startWriter(t, enough, append(env, pathVariable+"="+path))
	if stopped != nil {
		stopped(path)
	}
	// The writer stops here. The copy lacks everything that its file system keeps in memory.
	copied := image + ".copy"
	if out, err := copySparse(image, copied); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	kill()
	after := mount(t, copied, filepath.Join(dir, "after"))
	return Left{Image: copied, Path: filepath.Join(after, "db"), Acked: acked}
}

// Keep copies the image to a place where it stays, and says where, or why not.
func (l Left) Keep() string {
	keep := filepath.Join(os.TempDir(), fmt.Sprintf("netabase-power-%d.ext4", time.Now().UnixNano()))
	if out, err := copySparse(l.Image, keep); err != nil {
		return fmt.Sprintf("the image is not kept: %v %s", err, out)
	}
	return "the image is kept in " + keep
}

func copySparse(from, to string) ([]byte, error) {
	return exec.Command("cp", "--sparse=always", from, to).CombinedOutput()
}

// mount mounts an image, or skips the test if it may not mount.
func mount(t *testing.T, image, path string) string {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, path).CombinedOutput(); err != nil {
		t.Skipf("mounting needs root and loop devices: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", path).CombinedOutput(); err != nil {
			t.Errorf("%v %s", err, out)
		}
	})
	return path
}

// startWriter has another process commit for a while and stops it. It returns what is
// committed until then, and a function that ends the process.
func startWriter(t *testing.T, enough int, env []string) (acked []string, kill func()) {
	t.Helper()
	test, _, _ := strings.Cut(t.Name(), "/")
	writer := exec.Command(os.Args[0], "-test.run=^"+regexp.QuoteMeta(test)+"$")
	writer.Env = append(os.Environ(), env...)
	writer.Stderr = os.Stderr
	lines, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer lines.Close()
	writer.Stdout = stdout
	err = writer.Start()
	stdout.Close()
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	kill = func() {
		if !ended {
			ended = true
			writer.Process.Kill()
			writer.Wait()
		}
	}
	t.Cleanup(kill) // before its disk is unmounted

	reader := bufio.NewReader(lines)
	read := func(enough int) error {
		for len(acked) < enough {
			line, err := reader.ReadString('\n')
			if err != nil {
				return err // what there is of the line is cut off
			}
			line = strings.TrimSuffix(line, "\n")
			if what, ok := strings.CutPrefix(line, ack); ok {
				acked = append(acked, what)
			} else {
				t.Logf("the writer says: %s", line)
			}
		}
		return nil
	}
	lines.SetReadDeadline(time.Now().Add(quickly))
	if err := read(enough); err != nil {
		t.Fatalf("the writer made %d commits and no more: %v", len(acked), err)
	}
	if err := writer.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(writer.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("the writer has not stopped: %v, status %v", err, status)
	}
	// The lines written until then are in the pipe and come at once.
	lines.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	read(math.MaxInt)
	return acked, kill
}
