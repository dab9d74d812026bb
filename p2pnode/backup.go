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
	"time"

	"github.com/dustin/go-humanize"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/check"
)

const backupHelp = `Writes everything in the store in DIR, or in the one of the peer's directory DIR, to
FILE, or to the output if FILE is "-". It is one stream with checksums, which restore
reads into any engine. FILE is there once it is whole. Nothing may have the store open
meanwhile; a program backs its open store up with Store.Backup.

Damaged rows are damaged in the backup, too: see verify.

` + keyHelp + ` So
does the backup, and restore needs none. With -plain the backup is not encrypted.`

const restoreHelp = `Makes the directory DIR, which must not be there or be empty, and in it the store
that was backed up to FILE, or comes from the input if FILE is "-". A stream that is
damaged or no backup is refused, and DIR is not made then.`

// stdio stands for the input or the output in place of a file.
const stdio = "-"

// backup returns the command "backup".
func (p program) backup(flags *flag.FlagSet) *ffcli.Command {
	key := p.keyFlags(flags)
	plain := flags.Bool("plain", false, "do not encrypt the backup of an encrypted store")
	return &ffcli.Command{
		Name:       "backup",
		ShortUsage: "p2pnode backup [-key-file FILE | -passphrase] [-plain] DIR FILE",
		ShortHelp:  "write the store in a directory to a file",
		LongHelp:   backupHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) != 2 {
				return usageError{fmt.Errorf("backup takes a directory and a file, not %d arguments", len(args))}
			}
			secret, err := key.key(ctx)
			if err != nil {
				return err
			}
			return p.runBackup(ctx, args[0], args[1], secret, *plain)
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
		done, err := store.Backup(ctx, buffered, datastore.BackupOptions{Progress: p.progress("written"), Plain: plain})
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
		ShortUsage: "p2pnode restore [-engine badger|bolt] FILE DIR",
		ShortHelp:  "make a store from a file of backup",
		LongHelp:   restoreHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) != 2 {
				return usageError{fmt.Errorf("restore takes a file and a directory, not %d arguments", len(args))}
			}
			newEngine := map[string]func(string) engine.Engine{"badger": badger.Engine, "bolt": bolt.Engine}[*kind]
			if newEngine == nil {
				return usageError{fmt.Errorf("there is no engine %q: it is badger or bolt", *kind)}
			}
			return p.runRestore(ctx, args[0], args[1], newEngine)
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
	done, err := datastore.Restore(ctx, newEngine(growing), bufio.NewReader(in),
		datastore.BackupOptions{Progress: p.progress("restored")})
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

// progress prints from time to time how far a backup or a restore is.
func (p program) progress(verb string) func(datastore.BackupProgress) {
	last := time.Now()
	return func(done datastore.BackupProgress) {
		if time.Since(last) >= progressEvery {
			last = time.Now()
			fmt.Fprintf(p.err, "%s keys %s, %s so far\n", humanize.Comma(done.Keys), verb,
				humanize.IBytes(uint64(done.Bytes)))
		}
	}
}
