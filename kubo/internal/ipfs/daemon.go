package ipfs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Daemon is "ipfs daemon" of a node. Commands of the node go to it while it runs.
type Daemon struct {
	cmd  *exec.Cmd
	errs *bytes.Buffer
}

// Daemon starts a daemon, and returns when it is ready. Args are more of its options.
func (n Node) Daemon(ctx context.Context, args ...string) (*Daemon, error) {
	args = append([]string{"daemon"}, args...)
	d := &Daemon{cmd: n.command(ctx, args...), errs: new(bytes.Buffer)}
	d.cmd.Stderr = d.errs
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Daemon is ready") {
			go io.Copy(io.Discard, out) // it must not wait for somebody to read on
			return d, nil
		}
	}
	return nil, &CommandError{Args: args, Err: d.cmd.Wait(), Stderr: d.errs.String()}
}

// stopTime is how long a daemon may take to end.
const stopTime = time.Minute

// Stop asks the daemon to end, and waits until it has.
func (d *Daemon) Stop() error {
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- d.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return &CommandError{Args: d.cmd.Args[1:], Err: err, Stderr: d.errs.String()}
		}
		return nil
	case <-time.After(stopTime):
		return errors.Join(fmt.Errorf("the daemon has not ended within %v of being asked", stopTime), d.Kill())
	}
}

// Kill ends the daemon as a loss of its process does.
func (d *Daemon) Kill() error {
	if err := d.cmd.Process.Kill(); err != nil {
		return err
	}
	if err := d.cmd.Wait(); !killed(err) {
		return fmt.Errorf("the daemon ended before it was killed: %w: %s", err, d.errs)
	}
	return nil
}
