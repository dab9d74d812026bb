// Command p2pnode runs a peer of a network with typed records, asks and tells it things, shows such
// a network in one process, and looks after the stores of peers.
//
//	go run ./p2pnode demo
//	go run ./p2pnode init -dir DIR
//	go run ./p2pnode run -dir DIR
//	go run ./p2pnode put -dir DIR MODEL JSON
//	go run ./p2pnode find -dir DIR MODEL INDEX KEY
//	go run ./p2pnode verify DIR
//
// Its -h lists the commands, and that of each command says more. docs/p2pnode.md describes them.
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
)

func main() {
	ctx, interrupts := newInterrupter(context.Background())
	stop := interrupts.listen()
	status := program{os.Stdin, os.Stdout, os.Stderr, interrupts, new(string)}.run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// program has the input, output and environment of a command.
type program struct {
	in         io.Reader
	out, err   io.Writer
	interrupts *interrupter
	// dir is what -dir says. Empty stands for the default directory.
	dir *string
}

// positional returns the arguments that are not flags. Flags may stand between and behind them. All
// behind "--" are arguments, so that negative numbers can be among them.
func positional(flags *flag.FlagSet, args []string) (plain []string, err error) {
	usage := flags.Usage
	flags.Usage = func() {} // ffcli prints it if it is asked for
	defer func() { flags.Usage = usage }()
	for len(args) > 0 {
		plain = append(plain, args[0])
		rest := args[1:]
		if len(rest) > 0 && rest[0] == "--" {
			return append(plain, rest[1:]...), nil
		}
		if err := flags.Parse(rest); err != nil {
			return nil, flagError(flags, err)
		}
		args = flags.Args()
		if behind := len(rest) - len(args); behind > 0 && rest[behind-1] == "--" {
			return append(plain, args...), nil
		}
	}
	return plain, nil
}

// run runs the command line args and returns the exit status.
func (p program) run(ctx context.Context, args []string) int {
	// Help goes to the output, and only if the user asks for it: without it an error in a
	// command line is easier to see.
	var help strings.Builder
	root := p.root(&help)
	err := root.Parse(args)
	if err == nil {
		err = root.Run(ctx)
	} else if !errors.Is(err, flag.ErrHelp) {
		// ffcli's error says only that it was parsing the command line.
		err = flagError(selected(root, args).FlagSet, cmp.Or(errors.Unwrap(err), err))
	}
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(p.out, help.String())
		return exitOK
	}
	return p.end(ctx, err)
}
