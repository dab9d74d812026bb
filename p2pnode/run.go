package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/client"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/daemon"
	webpage "github.com/newsnet-africa/netabase-go/p2pnode/internal/page"
)

const runHelp = `Runs the node of DIR until it is interrupted. It makes what the directory lacks, as init
does. A line on the output says when the node runs, with its id, its addresses, its
control socket and its page; the log goes to the error output.

Each flag is a setting. It can also be an environment variable, P2PNODE_MAX_BYTES for
-max-bytes, or a line of DIR/config. The flag counts before the variable, and that
before the line. A setting that cannot be used is refused before anything starts.

One node at a time runs in a directory: a second run says which process has it. After
SIGTERM or an interrupt the node ends within five seconds, with everything durable.

The exit status is 0 if the node was told to end, 2 for settings that cannot be used,
1 if the node fails, and 130 if a second interrupt cut its end short.`

// runNode returns the command "run".
func (p program) runNode(flags *flag.FlagSet) *ffcli.Command {
	settings := config.Flags(flags, p.dir)
	return &ffcli.Command{
		Name:       "run",
		ShortUsage: "p2pnode run [flags]",
		ShortHelp:  "run the node of a directory",
		LongHelp:   runHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			const none = "run takes no arguments, only flags, and the address of -http stands behind -http="
			if _, err := arguments(flags, args, none, 0, 0); err != nil {
				return err
			}
			dir, err := p.directory()
			if err != nil {
				return err
			}
			*p.dir = dir
			cfg, err := settings.Load()
			if err != nil {
				return unusableError{err}
			}
			key, err := p.nodeKey(ctx, cfg)
			if err != nil {
				return err
			}
			return p.serveNode(ctx, cfg, key)
		},
	}
}

// nodeKey returns the key of the node's store.
func (p program) nodeKey(ctx context.Context, cfg *config.Config) (datastore.Key, error) {
	k := keyFlags{program: p, file: cfg.KeyFile, passphrase: cfg.Passphrase, prompt: "Passphrase: "}
	return k.key(ctx)
}

// serveNode runs the node until ctx ends.
func (p program) serveNode(ctx context.Context, cfg *config.Config, key datastore.Key) (err error) {
	// quic-go would print advice on a limit of the system.
	if err := os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true"); err != nil {
		return err
	}
	log := p.log(cfg)
	if _, _, err := daemon.Init(cfg.Dir); err != nil {
		return unusableError{err}
	}
	if len(cfg.Unknown) > 0 {
		log.Warn("variables of the environment are no settings", "names", cfg.Unknown)
	}
	d, err := startWhenFree(ctx, cfg, daemon.Options{Key: key, Log: log, Page: webpage.Handler()})
	switch {
	case isUnusable(err):
		return unusableError{err}
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	fmt.Fprintln(p.out, started(d))
	log.Info("the node runs", "peer", d.ID().String(), "addresses", d.Addresses())
	select {
	case <-ctx.Done():
		log.Info("the node ends", "cause", context.Cause(ctx).Error())
		return nil
	case err := <-d.Failed():
		return err
	}
}

// startWhenFree starts the node. If another command has the directory for a moment, it waits for it.
func startWhenFree(ctx context.Context, cfg *config.Config, o daemon.Options) (*daemon.Daemon, error) {
	for deadline := time.Now().Add(lockWait); ; {
		d, err := daemon.Start(ctx, cfg, o)
		if !errors.Is(err, daemon.ErrInUse) || time.Now().After(deadline) {
			return d, err
		}
		if c, dialled := client.Dial(ctx, cfg.Dir); dialled == nil { // it is a node that runs
			return nil, errors.Join(err, c.Close())
		}
		if err := rest(ctx); err != nil {
			return nil, err
		}
	}
}

// isUnusable reports whether a node cannot start because of its settings or its directory.
func isUnusable(err error) bool {
	var setting *config.Error
	for _, of := range []error{
		daemon.ErrInUse, datastore.ErrWrongKey, datastore.ErrNoKey, datastore.ErrNotEncrypted, datastore.ErrNotStore,
		engine.ErrOtherEngine, engine.ErrLocked, models.ErrDefinition, models.ErrVersion,
	} {
		if errors.Is(err, of) {
			return true
		}
	}
	return errors.As(err, &setting)
}

// started is the line that says that the node runs.
func started(d *daemon.Daemon) string {
	text := fmt.Sprintf("p2pnode %s runs at %s, control socket %s", d.ID(), strings.Join(d.Addresses(), " "), d.Socket())
	if page := d.Page(); page != "" {
		text += ", page " + page
	}
	return text
}

// log returns the log that the settings ask for.
func (p program) log(cfg *config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // one of its names
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.err, options))
	}
	return slog.New(slog.NewTextHandler(p.err, options))
}
