// Command p2pnode shows Netabase in a network of peers, and looks after the stores of peers.
//
//	go run ./p2pnode demo
//	go run ./p2pnode inspect DIR [TREE]
//	go run ./p2pnode verify DIR
//	go run ./p2pnode quarantine list DIR
//	go run ./p2pnode migrate DIR
//	go run ./p2pnode schema export DIR TREE
//	go run ./p2pnode rotate -key-file FILE DIR
//	go run ./p2pnode backup DIR FILE
//	go run ./p2pnode restore FILE DIR
//
// Its -h, and that of each command, says more.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/newsnet-africa/netabase-go/datastore"
)

// Exit statuses. That of an interrupt is the one of shells.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, interrupts := newInterrupter(context.Background())
	stop := interrupts.listen()
	status := program{os.Stdin, os.Stdout, os.Stderr, interrupts}.run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// program has the input, output and environment of a command.
type program struct {
	in         io.Reader
	out, err   io.Writer
	interrupts *interrupter
}

// usageError is an invalid command line.
type usageError struct{ error }

// unusableError says that a command can do nothing with an argument.
type unusableError struct{ error }

func (e unusableError) Unwrap() error { return e.error }

// errDamage is returned by a command that has already printed the damage it found.
var errDamage = errors.New("not everything is as it should be")

// positional returns the arguments that are not flags. Flags may stand between and behind them.
func positional(flags *flag.FlagSet, args []string) (plain []string, err error) {
	for len(args) > 0 {
		plain = append(plain, args[0])
		if err := flags.Parse(args[1:]); err != nil {
			return nil, usageError{err}
		}
		args = flags.Args()
	}
	return plain, nil
}

// run runs the command line args and returns the exit status.
func (p program) run(ctx context.Context, args []string) int {
	// Help goes to the output, and only if the user asks for it: without it an error in a
	// command line is easier to see.
	var help strings.Builder
	newFlags := func(name string) *flag.FlagSet {
		flags := flag.NewFlagSet(name, flag.ContinueOnError)
		flags.SetOutput(&help)
		return flags
	}
	root := &ffcli.Command{
		Name:       "p2pnode",
		ShortUsage: "p2pnode <command> [flags]",
		ShortHelp:  "Typed records in a DHT.",
		LongHelp:   "A command says more with -h.",
		FlagSet:    newFlags("p2pnode"),
		Subcommands: []*ffcli.Command{
			p.demo(newFlags("p2pnode demo")), p.init(newFlags("p2pnode init")), p.runNode(newFlags("p2pnode run")),
			p.inspect(newFlags("p2pnode inspect")),
			p.verify(newFlags("p2pnode verify")), p.quarantine(newFlags("p2pnode quarantine")),
			p.migrate(newFlags("p2pnode migrate")), p.schema(newFlags("p2pnode schema")),
			p.rotate(newFlags("p2pnode rotate")),
			p.backup(newFlags("p2pnode backup")), p.restore(newFlags("p2pnode restore")),
		},
		Exec: func(_ context.Context, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("a command is needed")}
			}
			return usageError{fmt.Errorf("there is no command %q", args[0])}
		},
	}
	err := root.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(p.out, help.String())
		return exitOK
	case err != nil:
		// ffcli's error says only that it was parsing the command line.
		err = usageError{cmp.Or(errors.Unwrap(err), err)}
	default:
		err = root.Run(ctx)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errDamage):
		return exitFailed
	}
	if errors.Is(err, datastore.ErrNoKey) {
		err = unusableError{fmt.Errorf("%w: name its file with -key-file, or have -passphrase ask for it", err)}
	}
	fmt.Fprintln(p.err, "p2pnode:", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	var usage usageError
	var unusable unusableError
	switch {
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.As(err, &unusable):
		return exitUsage
	case errors.As(err, &usage):
		fmt.Fprintln(p.err, "See p2pnode -h, or p2pnode <command> -h.")
		return exitUsage
	}
	return exitFailed
}
