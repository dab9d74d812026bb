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

// faults are system calls that an engine makes, and what they return without
// having done anything. A write that returns zero is a short one; strace cannot
// have half of one done, which TestFileSizeLimit and a full disk do.
var faults = []struct{ calls, returns string }{
	{"fsync,fdatasync,msync", "error=EIO"},
	{"pwrite64", "error=EIO"},
	{"pwrite64", "error=ENOSPC"},
	{"pwrite64,write", "retval=0"},
	{"write", "error=ENOSPC"}, // which also hits what the writer says
	{"ftruncate,fallocate", "error=ENOSPC"},
	{"openat", "error=EMFILE"},
	{"unlink,unlinkat,rename,renameat,renameat2", "error=EIO"},
	{"mmap", "error=ENOMEM"},
}

// A writer whose system call fails may end, and may go on. Everything that it knew
// to be committed is there for another process, and the store is whole.
func TestSystemCallFaults(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not there")
	}
	if out, err := exec.Command(strace, "-qq", "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace: %v: %s", err, out)
	}
	killMany(t, roundsOf(t, faultRounds, 6, 2), func(_ *testing.T, _ string, random *rand.Rand) []string {
		fault := faults[random.IntN(len(faults))]
		inject := fmt.Sprintf("inject=%s:%s:when=%d", fault.calls, fault.returns, 1+random.IntN(40)) // of each thread
		if random.IntN(4) == 0 {
			inject += "+" // and all after it
		}
		return []string{strace, "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + fault.calls, "-e", inject}
	})
}

// A writer whose files may not grow beyond some size ends there. Everything that
// it knew to be committed is there, and without the limit the store works again.
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
