// Package proof goes through what a repo has to stand: commands, losses of the process,
// collections, daemons that find each other, and moving to another repo.
package proof

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
)

// Config says what to prove, and how much of it.
type Config struct {
	// Program is ipfs, Env more of its environment.
	Program string
	Env     []string
	// Layout is how the repos keep their data.
	Layout ipfs.Layout
	// MB is the size of the files that are kept; as much again is added and removed.
	MB int
	// Kills is how often a process is killed while it adds: as often a command as a
	// daemon.
	Kills int
	// Log is told of each step before it begins.
	Log func(step string)
}

// repo is a repo at work, and what it must hold.
type repo struct {
	ipfs.Node
	config Config
	// dir is for files.
	dir string
	// kept has the directories that are pinned, by their CID.
	kept map[string]string
	seed uint64
}

// Prove goes through all steps with new repos in dir. It returns the first thing that
// is not as it should be.
func Prove(ctx context.Context, dir string, c Config) error {
	r := &repo{
		config: c, dir: dir, kept: map[string]string{},
		Node: ipfs.Node{Program: c.Program, Env: c.Env, Repo: filepath.Join(dir, "repo")},
	}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"init", func(ctx context.Context) error { return r.Init(ctx, c.Layout) }},
		{"add", r.add},
		{"collect", r.collect},
		{"collect automatically", r.collectAutomatically},
		{"kill a command in mid-add", r.killCommands},
		{"kill a daemon in mid-add", r.killDaemons},
		{"two daemons", r.daemons},
		{"move", r.move},
	} {
		c.Log(step.name)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// files writes new files.
func (r *repo) files() (dir string, err error) {
	r.seed++
	dir = filepath.Join(r.dir, fmt.Sprintf("files-%d", r.seed))
	return dir, ipfs.Files(dir, r.config.MB<<20, r.seed)
}

// add adds files and keeps them.
func (r *repo) add(ctx context.Context) error {
	dir, err := r.files()
	if err != nil {
		return err
	}
	id, err := r.Run(ctx, "add", "--quieter", "--recursive", dir)
	if err != nil {
		return err
	}
	r.kept[id] = dir
	return r.check(ctx)
}

// check reads everything that is kept, and compares it with the files.
func (r *repo) check(ctx context.Context) error {
	if out, err := r.Run(ctx, "pin", "verify"); err != nil || out != "" {
		return fmt.Errorf("pin verify: %q, %w", out, err)
	}
	if _, err := r.Run(ctx, "repo", "verify"); err != nil {
		return err
	}
	pins, err := r.Run(ctx, "pin", "ls", "--type=recursive", "--quiet")
	if err != nil {
		return err
	}
	for id, dir := range r.kept {
		if !strings.Contains(pins, id) {
			return fmt.Errorf("%s is no longer pinned", id)
		}
		if err := compare(ctx, r.Node, r.dir, id, dir); err != nil {
			return err
		}
	}
	return nil
}

// compare gets a directory from a node into a new one in room, and compares it with the
// files that it was added from.
func compare(ctx context.Context, n ipfs.Node, room, id, dir string) error {
	got := filepath.Join(room, "got")
	defer os.RemoveAll(got)
	if _, err := n.Run(ctx, "get", "--output", got, id); err != nil {
		return err
	}
	return same(got, dir)
}

// same reports a difference between two directories of files.
func same(got, want string) error {
	entries, err := os.ReadDir(want)
	if err != nil {
		return err
	}
	others, err := os.ReadDir(got)
	if err != nil {
		return err
	}
	if len(others) != len(entries) {
		return fmt.Errorf("%d files, want %d", len(others), len(entries))
	}
	for _, e := range entries {
		a, err := os.ReadFile(filepath.Join(got, e.Name()))
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(want, e.Name()))
		if err != nil {
			return err
		}
		if string(a) != string(b) {
			return fmt.Errorf("file %s is not as it was added", e.Name())
		}
	}
	return nil
}
