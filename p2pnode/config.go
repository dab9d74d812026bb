package main

import (
	"context"
	"errors"
	"flag"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/client"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

const configHelp = `Prints the settings: those that the node runs with, or that it would have from the
environment and its file if it were started. FROM says where a value comes from.

-json prints the settings of the control interface, with name, value and from.`

// config returns the command "config".
func (p program) config(flags *flag.FlagSet) *ffcli.Command {
	asJSON := jsonFlag(flags)
	return &ffcli.Command{
		Name:       "config",
		ShortUsage: "p2pnode config [flags]",
		ShortHelp:  "print the settings and where they come from",
		LongHelp:   configHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			if _, err := arguments(flags, args, "config takes no arguments", 0, 0); err != nil {
				return err
			}
			settings, err := p.settings(ctx)
			switch {
			case err != nil:
				return err
			case *asJSON:
				return encodeAll(p.json(), settings)
			}
			t := table.New(p.tables(), table.Column{Name: "SETTING"}, table.Column{Name: "VALUE"}, table.Column{Name: "FROM"})
			for _, s := range settings {
				if err := t.Add(s.Name, s.Value, s.From); err != nil {
					return err
				}
			}
			return t.Close()
		},
	}
}

// settings returns the settings of the node.
func (p program) settings(ctx context.Context) (settings []api.Setting, err error) {
	n, err := p.openRunning(ctx)
	if !errors.Is(err, client.ErrNotRunning) {
		err = p.with(n, err, func(n *node) error {
			settings, err = n.Config(ctx)
			return err
		})
		return settings, err
	}
	dir, err := p.nodeDirectory()
	if err != nil {
		return nil, err
	}
	cfg, err := loadConfig(dir)
	if err != nil {
		return nil, err
	}
	return cfg.Settings, nil
}

// loadConfig returns the configuration of the node in dir, without flags.
func loadConfig(dir string) (*config.Config, error) {
	cfg, err := config.Flags(flag.NewFlagSet("", flag.ContinueOnError), &dir).Load()
	if err != nil {
		return nil, unusableError{err}
	}
	return cfg, nil
}
