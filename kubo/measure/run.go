package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
)

// run measures one layout once.
type run struct {
	node, other ipfs.Node
	files, room string
	layout      ipfs.Layout
	found       results
}

// The commands that are measured, in their order.
const (
	stepAdd       = "add"
	stepPinVerify = "pin verify"
	stepVerify    = "repo verify"
	stepGet       = "get"
	stepPins      = "pin ls"
	stepExport    = "dag export"
	stepImport    = "dag import"
	stepGC        = "repo gc"
)

var steps = []string{stepAdd, stepPinVerify, stepVerify, stepGet, stepPins, stepExport, stepImport, stepGC}

// The sizes that are measured, in their order.
const (
	sizeAdded     = "after add"
	sizeCollected = "after repo gc"
)

var sizes = []string{sizeAdded, sizeCollected}

func (r run) all(ctx context.Context) error {
	for _, n := range []ipfs.Node{r.node, r.other} {
		if err := n.Init(ctx, r.layout); err != nil {
			return err
		}
	}
	var out strings.Builder
	used, err := r.node.Measure(ctx, &out, "add", "--quieter", "--recursive", r.files)
	if err != nil {
		return err
	}
	r.note(stepAdd, used)
	if err := r.size(sizeAdded); err != nil {
		return err
	}
	id := strings.TrimSpace(out.String())
	got, archive := filepath.Join(r.room, "got"), filepath.Join(r.room, "archive.car")
	for _, c := range []struct {
		step string
		args []string
	}{
		{stepPinVerify, []string{"pin", "verify"}},
		{stepVerify, []string{"repo", "verify"}},
		{stepGet, []string{"get", "--progress=false", "--output", got, id}},
		{stepPins, []string{"pin", "ls", "--type=recursive"}},
	} {
		used, err := r.node.Measure(ctx, io.Discard, c.args...)
		if err != nil {
			return err
		}
		r.note(c.step, used)
	}
	if err := os.RemoveAll(got); err != nil {
		return err
	}
	if used, err = r.node.Export(ctx, id, archive); err != nil {
		return err
	}
	r.note(stepExport, used)
	if used, err = r.other.Measure(ctx, io.Discard, "dag", "import", "--pin-roots", archive); err != nil {
		return err
	}
	r.note(stepImport, used)
	if _, err = r.node.Run(ctx, "pin", "rm", id); err != nil {
		return err
	}
	if used, err = r.node.Measure(ctx, io.Discard, "repo", "gc", "--silent"); err != nil {
		return err
	}
	r.note(stepGC, used)
	return r.size(sizeCollected)
}

func (r run) note(step string, used ipfs.Usage) {
	k := cell{step, r.layout.Name}
	r.found[k] = append(r.found[k], used)
}

// size notes what the files of the repo take, as bytes written.
func (r run) size(name string) error {
	var sum int64
	err := filepath.WalkDir(r.node.Repo, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += onDisk(info)
		}
		return err
	})
	r.note(name, ipfs.Usage{Written: sum})
	return err
}
