package ipfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Node is a repo, and the program that works on it. Its methods may be called
// concurrently.
type Node struct {
	// Program is ipfs, Env more of its environment: "NAME=value".
	Program string
	Env     []string
	// Repo is the directory of the repo, IPFS_PATH.
	Repo string
}

// Init makes the repo.
func (n Node) Init(ctx context.Context, l Layout) error {
	if l.Change == nil {
		if _, err := n.Run(ctx, "init", "--profile", l.Profile+",test"); err != nil {
			return err
		}
		return n.isolate(ctx)
	}
	// As docs/kubo.md tells users to do it: the configuration of a repo that is thrown
	// away, changed, makes the repo.
	draft, err := os.MkdirTemp("", "ipfs-draft-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(draft)
	if _, err := (Node{n.Program, n.Env, draft}).Run(ctx, "init", "--profile", l.Profile+",test"); err != nil {
		return err
	}
	file := filepath.Join(draft, "config")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	l.Change(config["Datastore"].(map[string]any)["Spec"].(map[string]any))
	if text, err = json.Marshal(config); err != nil {
		return err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	if _, err := n.Run(ctx, "init", file); err != nil {
		return err
	}
	return n.isolate(ctx)
}

// isolate leaves nobody to speak to but the peers that a test connects. The profile
// "test" has done most of it.
func (n Node) isolate(ctx context.Context) error {
	for _, setting := range [][2]string{
		{"Routing.Type", `"dht"`}, // no HTTP routers
		{"Swarm.RelayClient.Enabled", "false"},
		{"Version.SwarmCheckEnabled", "false"},
	} {
		if _, err := n.Run(ctx, "config", "--json", setting[0], setting[1]); err != nil {
			return err
		}
	}
	return nil
}

// Run runs a command and returns what it wrote to its standard output, without the
// last end of line.
func (n Node) Run(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	_, err := n.Measure(ctx, &out, args...)
	return strings.TrimSuffix(out.String(), "\n"), err
}

// Measure runs a command, gives what it writes to out, and tells what it used.
func (n Node) Measure(ctx context.Context, out io.Writer, args ...string) (Usage, error) {
	cmd := n.command(ctx, args...)
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &errs
	used, err := run(cmd)
	if err != nil {
		return used, &CommandError{Args: args, Stderr: strings.TrimSpace(errs.String()), Err: err}
	}
	return used, nil
}

// Export writes the blocks of id into a new archive, a CAR file.
func (n Node) Export(ctx context.Context, id, archive string) (Usage, error) {
	f, err := os.Create(archive)
	if err != nil {
		return Usage{}, err
	}
	used, err := n.Measure(ctx, f, "dag", "export", "--progress=false", id)
	return used, errors.Join(err, f.Close())
}

// JSON runs a command that writes JSON, and reads it.
func (n Node) JSON(ctx context.Context, into any, args ...string) error {
	out, err := n.Run(ctx, append(args, "--enc=json")...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("ipfs %s: %w: %.200s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (n Node) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, n.Program, args...)
	cmd.Env = append(os.Environ(),
		"IPFS_PATH="+n.Repo, "IPFS_TELEMETRY=off", "DO_NOT_TRACK=1", "IPFS_HTTP_ROUTERS=", "GOLOG_LOG_LEVEL=error")
	cmd.Env = append(cmd.Env, n.Env...)
	return cmd
}

// Stat is what "ipfs repo stat" tells.
type Stat struct {
	NumObjects uint64
	RepoSize   uint64
}

// Stat asks for the size of the repo.
func (n Node) Stat(ctx context.Context) (s Stat, err error) {
	err = n.JSON(ctx, &s, "repo", "stat")
	return s, err
}

// CommandError is a command that failed.
type CommandError struct {
	Args   []string
	Stderr string
	Err    error
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("ipfs %s: %v: %s", strings.Join(e.Args, " "), e.Err, e.Stderr)
}

func (e *CommandError) Unwrap() error { return e.Err }

// killed reports whether err is that of a process that a signal ended.
func killed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == -1
}
