package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/peterbourgon/ff/v3/ffcli"
)

// group is a heading of the help, and the commands below it.
type group struct {
	title    string
	commands []*ffcli.Command
}

// groups returns all commands. Each has the flag -dir.
func (p program) groups(newFlags func(name string) *flag.FlagSet) []group {
	at := func(name string) *flag.FlagSet {
		flags := newFlags("p2pnode " + name)
		p.dirFlag(flags)
		return flags
	}
	return []group{
		{"Run a node", []*ffcli.Command{
			p.demo(newFlags("p2pnode demo")), p.init(at("init")), p.runNode(at("run")),
			p.stat(at("stat")), p.config(at("config")),
		}},
		{"Records", []*ffcli.Command{
			p.models(at("models")), p.ls(at("ls")), p.get(at("get")), p.find(at("find")), p.watch(at("watch")),
			p.put(at("put")), p.publish(at("publish")), p.retract(at("retract")), p.rm(at("rm")),
			p.export(at("export")), p.importRows(at("import")),
		}},
		{"Network", []*ffcli.Command{
			p.resolve(at("resolve")), p.holders(at("holders")), p.peers(at("peers")), p.connect(at("connect")),
			p.topics(at("topics")), p.sync(at("sync")), p.provide(at("provide")), p.providers(at("providers")),
		}},
		{"Stores", []*ffcli.Command{
			p.inspect(at("inspect")), p.verify(at("verify")), p.quarantine(at("quarantine")),
			p.migrate(at("migrate")), p.schema(at("schema")), p.rotate(at("rotate")), p.backup(at("backup")),
			p.restore(at("restore")),
		}},
		{"Other", []*ffcli.Command{
			p.version(at("version")), p.completion(newFlags("p2pnode completion")),
		}},
	}
}

// root returns the program's command line. Help is written to help.
func (p program) root(help io.Writer) *ffcli.Command {
	newFlags := func(name string) *flag.FlagSet {
		flags := flag.NewFlagSet(name, flag.ContinueOnError)
		flags.SetOutput(help)
		return flags
	}
	groups := p.groups(newFlags)
	root := &ffcli.Command{Name: "p2pnode", FlagSet: newFlags("p2pnode")}
	p.dirFlag(root.FlagSet)
	var names []string
	for _, g := range groups {
		for _, command := range g.commands {
			command.UsageFunc = usage
			root.Subcommands = append(root.Subcommands, command)
			names = append(names, command.Name)
		}
	}
	root.UsageFunc = func(*ffcli.Command) string { return rootUsage(groups) }
	root.Exec = func(_ context.Context, args []string) error {
		if len(args) == 0 {
			return usageError{errors.New("a command is needed")}
		}
		return wrongWord("command", args[0], names)
	}
	return root
}

// selected returns the command that args name, or root.
func selected(root *ffcli.Command, args []string) *ffcli.Command {
	for _, arg := range args {
		for _, command := range root.Subcommands {
			if command.Name == arg {
				return command
			}
		}
	}
	return root
}

const rootHelp = `Typed records in a DHT: runs a peer, asks and tells it things, and looks after its store.

  p2pnode [-dir DIR] <command> [flags] [arguments]

A command is about the node in DIR: -dir, the variable P2PNODE_DIR, or .p2pnode in the home
directory. It asks the node that runs there. If none runs, it opens the store itself where it
needs no other peer. Flags may stand anywhere behind the command; all behind -- are arguments.
A command says more with -h.
`

// rootUsage is the help of the program.
func rootUsage(groups []group) string {
	var b strings.Builder
	b.WriteString(rootHelp)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s\n", g.title)
		for _, command := range g.commands {
			fmt.Fprintf(&b, "  %-11s %s\n", command.Name, command.ShortHelp)
		}
	}
	b.WriteString("\n" + exitHelp)
	return b.String()
}

const (
	helpWidth = 96
	flagWidth = 24
)

// usage is the help of a command.
func usage(c *ffcli.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %s\n\n%s\n", c.ShortUsage, strings.TrimSpace(c.LongHelp))
	title := "\nFlags\n"
	c.FlagSet.VisitAll(func(f *flag.Flag) {
		b.WriteString(title)
		title = ""
		argument, text := flag.UnquoteUsage(f)
		name := strings.TrimRight("  -"+f.Name+" "+argument, " ")
		if f.DefValue != "" && f.DefValue != "false" && !strings.Contains(text, "(default") {
			text += " (default " + f.DefValue + ")"
		}
		lines := strings.Split(ansi.Wordwrap(text, helpWidth-flagWidth, ""), "\n")
		if ansi.StringWidth(name) >= flagWidth {
			fmt.Fprintf(&b, "%s\n", name)
			name = ""
		}
		for _, line := range lines {
			fmt.Fprintf(&b, "%-*s%s\n", flagWidth, name, line)
			name = ""
		}
	})
	return strings.TrimRight(b.String(), "\n")
}
