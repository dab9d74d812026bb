package datastore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// The environment says how often a writer has a system call fail, or finds its
// files limited, on each engine.
const (
	faultRounds = "NETABASE_FAULT_ROUNDS"
	limitRounds = "NETABASE_LIMIT_ROUNDS"
)

// faults are system calls that an engine makes, and errors that they return.
var faults = []struct{ calls, errno string }{
	{"fsync,fdatasync,msync", "EIO"},
	{"pwrite64", "EIO"},
	{"pwrite64", "ENOSPC"},
	{"write", "ENOSPC"}, // which also hits what the writer says
	{"ftruncate,fallocate", "ENOSPC"},
	{"openat", "EMFILE"},
	{"unlink,unlinkat,rename,renameat,renameat2", "EIO"},
	{"mmap", "ENOMEM"},
}

// A writer of which a system call fails may end, and may go on. What it knew to be
// committed is there for another process, and all is whole.
func TestSystemCallFaults(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not there")
	}
	if out, err := exec.Command(strace, "-qq", "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace: %v: %s", err, out)
	}
	killMany(t, roundsOf(t, faultRounds, 10, 2), func(_ *testing.T, _ string, random *rand.Rand) []string {
		fault := faults[random.IntN(len(faults))]
		when := 1 + random.IntN(40) // of each thread
		if random.IntN(4) == 0 {
			return []string{
				strace, "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + fault.calls,
				"-e", fmt.Sprintf("inject=%s:error=%s:when=%d+", fault.calls, fault.errno, when), // and all after it
			}
		}
		return []string{
			strace, "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + fault.calls,
			"-e", fmt.Sprintf("inject=%s:error=%s:when=%d", fault.calls, fault.errno, when),
		}
	})
}

// A writer whose files may not grow beyond some size ends there. What it knew to
// be committed is there, and with the limit gone the store goes on.
func TestFileSizeLimit(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not there")
	}
	killMany(t, roundsOf(t, limitRounds, 2, 1), func(_ *testing.T, path string, random *rand.Rand) []string {
		// A little more than the largest file there is, in KiB.
		largest := int64(0)
		entries, _ := os.ReadDir(path) // none at first
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				largest = max(largest, info.Size())
			}
		}
		limit := largest>>10 + 1 + random.Int64N(6<<10)
		return []string{shell, "-c", "ulimit -f " + strconv.FormatInt(limit, 10) + `; exec "$0" "$@"`}
	})
}
