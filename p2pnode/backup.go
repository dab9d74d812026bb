package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/check"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const backupHelp = `Writes everything in the store in DIR to FILE, or to the output if FILE is "-". It is one
stream with checksums, which restore reads into any engine, and shows the store at one
moment. FILE is there once it is whole.

` + dirHelp + `
A program backs its open store up with Store.Backup.

Damaged rows are damaged in the backup, too: see verify.

` + keyHelp + `
The backup is encrypted with the same key, and restore needs none. With -plain it is not
encrypted.`

const restoreHelp = `Makes the directory DIR, which must not be there or be empty, and in it the store
that was backed up to FILE, or comes from the input if FILE is "-". A stream that is
damaged or no backup is refused, and DIR is not made then. Without DIR it makes the
store of the node, which must not have one.`

// stdio stands for the input or the output in place of a file.
const stdio = "-"

// backup returns the command "backup".
func (p program) backup(flags *flag.FlagSet) *ffcli.Command {
	key := p.keyFlags(flags)
	plain := flags.Bool("plain", false, "do not encrypt the backup of an encrypted store")
	return &ffcli.Command{
		Name:       "backup",
		ShortUsage: "p2pnode backup [flags] [DIR] FILE",
		ShortHelp:  "write the store in a directory to a file",
		LongHelp:   backupHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "backup takes a directory and a file", 1, 2)
			if err != nil {
				return err
			}
			last := len(args) - 1
			dir, n, err := p.at(ctx, args[:last])
			switch {
			case err != nil:
				return err
			case n != nil:
				return p.with(n, nil, func(n *node) error { return p.backupRunning(ctx, n, args[last], *plain) })
			}
			secret, err := key.keyAt(ctx, dir)
			if err != nil {
				return err
			}
			return p.runBackup(ctx, dir, args[last], secret, *plain)
		},
	}
}

func (p program) runBackup(ctx context.Context, dir, file string, key datastore.Key, plain bool) (err error) {
	store, err := check.Open(ctx, dir, key, false)
	if err != nil {
		return unusableError{err}
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	write := func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		line := p.line()
		done, err := store.Backup(ctx, buffered, datastore.BackupOptions{Progress: progress(line, "written"), Plain: plain})
		line.Clear()
		if err == nil {
			err = buffered.Flush()
		}
		if err == nil {
			fmt.Fprintf(p.err, "%s keys, %s\n", humanize.Comma(done.Keys), humanize.IBytes(uint64(done.Bytes)))
		}
		return err
	}
	if file == stdio {
		return write(p.out)
	}
	return writeFile(file, write)
}

// backupRunning has the node back its own store up.
func (p program) backupRunning(ctx context.Context, n *node, file string, plain bool) error {
	write := func(w io.Writer) error {
		in, err := n.Backup(ctx, plain)
		if err != nil {
			return err
		}
		defer in.Close()
		counted := &countedReader{r: in, line: p.line()}
		_, err = io.Copy(w, counted)
		counted.line.Clear()
		if err != nil {
			return causeOf(ctx, err)
		}
		fmt.Fprintf(p.err, "%s\n", humanize.IBytes(uint64(counted.read)))
		return nil
	}
	if file == stdio {
		return write(p.out)
	}
	return writeFile(file, write)
}

// writeFile makes the file at path appear, durable, once write has written all of it.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails if all went well
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// syncDir makes the names in a directory durable, if the system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync() // Windows cannot, and need not
	return d.Close()
}

// restore returns the command "restore".
func (p program) restore(flags *flag.FlagSet) *ffcli.Command {
	kind := flags.String("engine", "badger", "the `engine` of the store: badger or bolt")
	return &ffcli.Command{
		Name:       "restore",
		ShortUsage: "p2pnode restore [flags] FILE [DIR]",
		ShortHelp:  "make a store from a file of backup",
		LongHelp:   restoreHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := arguments(flags, args, "restore takes a file and a directory", 1, 2)
			if err != nil {
				return err
			}
			dir, n, err := p.at(ctx, args[1:])
			switch {
			case err != nil:
				return err
			case n != nil:
				return notWhileRunning(n, "restore its store")
			case len(args) == 1:
				if _, err := p.nodeDirectory(); err != nil {
					return err
				}
				dir = config.Store(dir)
			}
			newEngine := map[string]func(string) engine.Engine{"badger": badger.Engine, "bolt": bolt.Engine}[*kind]
			if newEngine == nil {
				return usageError{fmt.Errorf("there is no engine %q: it is badger or bolt", *kind)}
			}
			return p.runRestore(ctx, args[0], dir, newEngine)
		},
	}
}

func (p program) runRestore(ctx context.Context, file, dir string, newEngine func(string) engine.Engine) error {
	in := p.in
	if file != stdio {
		f, err := os.Open(file)
		if err != nil {
			return unusableError{err}
		}
		defer f.Close()
		in = f
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return unusableError{fmt.Errorf("%s is not empty", dir)}
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return unusableError{err}
	}
	// The store is made beside dir, and renamed to dir when it is complete.
	dir = filepath.Clean(dir)
	growing, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".restoring-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(growing) // fails if all went well
	line := p.line()
	done, err := datastore.Restore(ctx, newEngine(growing), bufio.NewReader(in),
		datastore.BackupOptions{Progress: progress(line, "restored")})
	line.Clear()
	if errors.Is(err, datastore.ErrBackup) || errors.Is(err, datastore.ErrVersion) {
		return unusableError{err}
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(growing, 0o755); err != nil {
		return err
	}
	if err := os.Rename(growing, dir); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	fmt.Fprintf(p.err, "%s keys, %s\n", humanize.Comma(done.Keys), humanize.IBytes(uint64(done.Bytes)))
	return nil
}

// progress shows how far a backup or a restore is.
func progress(line *table.Line, verb string) func(datastore.BackupProgress) {
	return func(done datastore.BackupProgress) {
		line.Show("%s keys %s, %s so far", humanize.Comma(done.Keys), verb, humanize.IBytes(uint64(done.Bytes)))
	}
}
