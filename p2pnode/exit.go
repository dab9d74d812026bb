package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/client"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/suggest"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/table"
)

// Exit statuses. That of an interrupt is the one of shells.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitNoPeers     = 4
	exitRefused     = 5
	exitUnreachable = 6
	exitInterrupted = 130
)

const exitHelp = `The exit status is
  0    all was done
  1    something failed, or a store is damaged
  2    the command line, or what it names, cannot be used: a flag, a tree, a row, a store
  3    there is no such row or peer
  4    no other peer took the record, or none has it
  5    refused: the policy of the tree forbids it, or a better record or another row is there
  6    no node runs, or it cannot be reached or is too busy
  130  interrupted`

// statuses are the exit statuses of what a node answers.
var statuses = map[api.Code]int{
	api.Invalid: exitUsage, api.UnknownTree: exitUsage, api.UnknownIndex: exitUsage, api.UnknownTopic: exitUsage,
	api.TooLarge:  exitUsage,
	api.NotFound:  exitNotFound,
	api.NoPeers:   exitNoPeers,
	api.Forbidden: exitRefused, api.Conflict: exitRefused,
	api.NoToken: exitUnreachable, api.Busy: exitUnreachable, api.Stopping: exitUnreachable,
	api.Internal: exitFailed, api.Damaged: exitFailed,
}

// usageError is an invalid command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// unusableError says that a command can do nothing with an argument.
type unusableError struct{ error }

func (e unusableError) Unwrap() error { return e.error }

// statusError is an error with an exit status of its own.
type statusError struct {
	error
	status int
}

func (e statusError) Unwrap() error { return e.error }

// errDamage is returned by a command that has already printed the damage it found.
var errDamage = errors.New("not everything is as it should be")

// errRefused is returned by a command that has already printed what was refused.
var errRefused = errors.New("not everything was taken")

// end prints the error that a command has ended with, and returns the exit status.
func (p program) end(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errDamage):
		return exitFailed
	case errors.Is(err, errRefused):
		return exitRefused
	case errors.Is(err, syscall.EPIPE): // nobody reads on, as where head has seen enough
		return exitFailed
	}
	status := statusOf(err)
	if ctx.Err() != nil && !errors.Is(err, errInterrupted) && errors.Is(err, context.Canceled) {
		err, status = context.Cause(ctx), exitInterrupted
	}
	if errors.Is(err, datastore.ErrNoKey) {
		err = fmt.Errorf("%w: name its file with -key-file, or have -passphrase ask for it", err)
		status = exitUsage
	}
	for i, line := range strings.Split(err.Error(), "\n") {
		indent := "  "
		if i == 0 {
			indent = "p2pnode: "
		}
		fmt.Fprintln(p.err, indent+table.Printable(line))
	}
	p.hint(err)
	return status
}

// statusOf returns the exit status for an error.
func statusOf(err error) int {
	var usage usageError
	var unusable unusableError
	var own statusError
	var answer *api.Error
	switch {
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.As(err, &own):
		return own.status
	case errors.As(err, &unusable), errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &answer):
		return statuses[answer.Code]
	case errors.Is(err, client.ErrNotRunning), errors.Is(err, client.ErrUnreachable):
		return exitUnreachable
	}
	return exitFailed
}

// hint prints what may help after an error: the word that was meant, those there are, or help.
func (p program) hint(err error) {
	var answer *api.Error
	var usage usageError
	switch {
	case errors.As(err, &answer):
		if answer.Suggestion != "" {
			fmt.Fprintf(p.err, "  Did you mean %s?\n", table.Printable(answer.Suggestion))
		}
		if len(answer.Known) > 0 {
			fmt.Fprintf(p.err, "  There are: %s\n", table.Printable(strings.Join(answer.Known, ", ")))
		}
	case errors.As(err, &usage):
		fmt.Fprintln(p.err, "See p2pnode -h, or p2pnode <command> -h.")
	}
}

// flagError returns the error of a wrong flag, with the flag that was probably meant.
func flagError(flags *flag.FlagSet, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !ok {
		return usageError{err}
	}
	var known []string
	flags.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
	if meant := suggest.Word(name, known); meant != "" {
		return usageError{fmt.Errorf("there is no flag -%s: did you mean -%s?", name, meant)}
	}
	return usageError{fmt.Errorf("there is no flag -%s", name)}
}

// wrongWord returns the error of a word that is none of those known, which it lists.
func wrongWord(kind, word string, known []string) error {
	known = slices.Sorted(slices.Values(known))
	if meant := suggest.Word(word, known); meant != "" {
		return usageError{fmt.Errorf("there is no %s %q: did you mean %s?", kind, word, meant)}
	}
	return usageError{fmt.Errorf("there is no %s %q: there are %s", kind, word, strings.Join(known, ", "))}
}
