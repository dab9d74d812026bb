package ipfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// AddUnfinished runs "ipfs add" of a stream that does not end: once text is with the
// command, lose is called with the command's process, which is killed afterwards.
func (n Node) AddUnfinished(ctx context.Context, text io.Reader, lose func(command *os.Process) error) error {
	args := []string{"add", "--quieter", "-"}
	cmd := n.command(ctx, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stream, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = io.Copy(stream, text)
	if err != nil { // the command has ended
		return errors.Join(err, cmd.Wait(), errors.New(errs.String()))
	}
	lost := lose(cmd.Process)
	_ = cmd.Process.Kill() // it may wait for more of the stream although its daemon is gone
	if err := cmd.Wait(); err == nil {
		return fmt.Errorf("ipfs %s: it succeeded, though it was lost in the middle", strings.Join(args, " "))
	}
	return lost
}
