// Package powerloss simulates, in tests, a loss of power under a process that writes.
//
// Another process, which runs the same test, writes to a small file system of its own, in a file mounted through a
// loop device, and says what it has committed. At some point the test stops the process and copies the file. The copy
// holds the data that the file system has given to its device, and none that is only in memory. The test then mounts
// the copy and reads it. That needs Linux, the right to mount, and mkfs.ext4.
package powerloss

import (
	"fmt"
	"os"
)

const (
	pathVariable = "NETABASE_POWER_LOSS_PATH"
	ack          = "committed "
)

// Path returns the path at which this process is to write until its power is lost, or "" if it is the process that
// runs the test. Nothing is there at first.
func Path() string { return os.Getenv(pathVariable) }

// Ack says in the process that writes what it has committed, in one line. Goroutines may call it at the same time.
func Ack(what string) { fmt.Fprintln(os.Stdout, ack+what) }

// Left is what a loss of power has left.
type Left struct {
	// Image is the file with the file system, and Path is where in it, while it is mounted, the process has written.
	// Both are there until the test ends.
	Image, Path string
	// Acked has all that the process has said to be committed, in order.
	Acked []string
}
