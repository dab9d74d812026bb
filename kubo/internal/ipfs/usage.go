package ipfs

import (
	"os/exec"
	"time"
)

// Usage is what a process has used from its start to its end.
type Usage struct {
	// Time is by the clock, CPU of user and system.
	Time, CPU time.Duration
	// RSS is the most memory it had at a time, in bytes; 0 if the system does not tell.
	RSS int64
	// Written is the bytes it gave to file systems, those of mapped files included; 0 if
	// the system does not tell.
	Written int64
}

// run runs a command and tells what it used.
func run(cmd *exec.Cmd) (u Usage, err error) {
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return u, err
	}
	u.Written = written(cmd.Process.Pid)
	err = cmd.Wait()
	u.Time = time.Since(start)
	u.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	u.RSS = rss(cmd.ProcessState)
	return u, err
}
