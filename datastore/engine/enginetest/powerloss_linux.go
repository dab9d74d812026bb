package enginetest

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

const powerLossDisk = 256 << 20

// powerLosses is the environment variable that says how often RunPowerLoss simulates a power
// loss.
const powerLosses = "NETABASE_POWER_LOSSES"

func testPowerLoss(t *testing.T, create func(c engine.Config) engine.Engine) {
	losses := asked(t, powerLosses, 1)
	t.Run("Fsync", func(t *testing.T) {
		for loss := range losses {
			t.Run(strconv.Itoa(loss), func(t *testing.T) {
				image, lost, of, err := losePower(t, create, false)
				if lost > 0 || err != nil {
					keep := filepath.Join(os.TempDir(), fmt.Sprintf("netabase-power-%d.ext4", time.Now().UnixNano()))
					out, copyErr := copySparse(image, keep)
					t.Errorf("%d of %d durable commits are lost, error %v; the image is kept in %s: %v %s",
						lost, of, err, keep, copyErr, out)
				}
			})
		}
	})
	t.Run("NoFsync", func(t *testing.T) {
		// All commits may survive if tables have just been written and synced.
		for range 3 {
			_, lost, of, err := losePower(t, create, true)
			t.Logf("%d of %d commits are lost, error %v", lost, of, err)
			if lost > 0 {
				return
			}
		}
		t.Error("nothing is lost without fsync: the test proves nothing")
	})
}

func copySparse(from, to string) ([]byte, error) {
	return exec.Command("cp", "--sparse=always", from, to).CombinedOutput()
}

// losePower returns the image after the power loss, and how many acknowledged commits are lost.
func losePower(
	t *testing.T, create func(c engine.Config) engine.Engine, noFsync bool,
) (copied string, lost, of int, err error) {
	t.Helper()
	dir := t.TempDir()
	image := filepath.Join(dir, "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, powerLossDisk); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", image).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4 is needed: %v %s", err, out)
	}
	live := mount(t, image, filepath.Join(dir, "live"))
	committed, kill := startWriter(t, filepath.Join(live, "db"), noFsync)
	// The writer stops here. The copy lacks everything that its file system keeps in memory.
	copied = image + ".copy"
	if out, err := copySparse(image, copied); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	kill()

	after := mount(t, copied, filepath.Join(dir, "after"))
	eng := create(engine.Config{Path: filepath.Join(after, "db")})
	if lost, err = countLost(t.Context(), eng, committed); err == nil {
		s := open(t, eng)
		s.put("and it", "goes on")
	}
	return copied, lost, len(committed), err
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

// startWriter has another process commit for a while and stops it. It returns the keys
// committed until then, and a function that ends the process.
func startWriter(t *testing.T, path string, noFsync bool) (committed []string, kill func()) {
	t.Helper()
	test, _, _ := strings.Cut(t.Name(), "/")
	writer := exec.Command(os.Args[0], "-test.run=^"+regexp.QuoteMeta(test)+"$")
	writer.Env = append(os.Environ(), powerLossPath+"="+path)
	if noFsync {
		writer.Env = append(writer.Env, powerLossNoFsync+"=1")
	}
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

	scanner := bufio.NewScanner(lines)
	read := func(enough int) {
		for len(committed) < enough && scanner.Scan() {
			if key, ok := strings.CutPrefix(scanner.Text(), powerLossAck); ok {
				committed = append(committed, key)
			} else {
				t.Logf("the writer says: %s", scanner.Text())
			}
		}
	}
	lines.SetReadDeadline(time.Now().Add(quickly))
	enough := powerLossCommits/2 + rand.IntN(powerLossCommits)
	read(enough)
	if len(committed) < enough {
		t.Fatalf("the writer made %d commits and no more: %v", len(committed), scanner.Err())
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
	return committed, kill
}
