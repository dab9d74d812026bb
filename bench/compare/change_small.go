package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/mjl-/bstore"

	"github.com/newsnet-africa/netabase-go/bench/internal/changed/after"
	"github.com/newsnet-africa/netabase-go/bench/internal/changed/before"
)

// measureSmall compares opening after a field was added with bstore's, where both have the same rows.
func measureSmall(
	ctx context.Context, o changeOptions, e storeEngine, dir string, emit func(comparison) error,
) error {
	ours, theirs := dir, dir+"-bstore"
	defer os.RemoveAll(ours)
	defer os.RemoveAll(theirs)
	if err := os.Mkdir(theirs, 0o700); err != nil {
		return err
	}
	if _, _, err := fillPosts(ctx, e.open(ours), o.small); err != nil {
		return err
	}
	filled := filepath.Join(theirs, "filled.db")
	if err := fillBstore(ctx, filled, o.small); err != nil {
		return err
	}
	for round := range o.rounds {
		_, added, err := openTimes(ctx, e.open(ours), round)
		if err != nil {
			return err
		}
		took, err := openBstore(ctx, filled, filepath.Join(theirs, "opened.db"))
		if err != nil {
			return err
		}
		err = emit(comparison{
			Case: "open after a field was added, fewer rows", Engine: e.name, Rows: o.small, Round: round,
			Value: millis(added), Unit: "ms", Against: "bstore", Base: millis(took), AtMost: 1,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fillBstore makes a database of posts.
func fillBstore(ctx context.Context, path string, rows int) error {
	db, err := bstore.Open(ctx, path, &bstore.Options{MustExist: false}, before.Post{})
	if err != nil {
		return err
	}
	for block := range inBlocks(before.Stream(rows), 5_000) {
		err := db.Write(ctx, func(tx *bstore.Tx) error {
			for i := range block {
				if err := tx.Insert(&block[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return errors.Join(err, db.Close())
		}
	}
	return db.Close()
}

// openBstore returns how long opening a copy of the database takes after a field was added.
func openBstore(ctx context.Context, filled, path string) (time.Duration, error) {
	if err := copyFile(path, filled); err != nil {
		return 0, err
	}
	runtime.GC()
	start := time.Now()
	db, err := bstore.Open(ctx, path, nil, after.Post{})
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	return took, db.Close()
}

func copyFile(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// inBlocks yields rows in blocks of at most n, for one transaction each.
func inBlocks[M any](rows iter.Seq2[M, error], n int) iter.Seq[[]M] {
	return func(yield func([]M) bool) {
		var block []M
		for row := range rows {
			if block = append(block, row); len(block) == n {
				if !yield(block) {
					return
				}
				block = block[:0]
			}
		}
		if len(block) > 0 {
			yield(block)
		}
	}
}
