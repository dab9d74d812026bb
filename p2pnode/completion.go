package main

import (
	"context"
	_ "embed"
	"flag"
	"io"
	"slices"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"
)

// The scripts call "p2pnode completion words" with the words of the command line so far, the last of
// which is being completed.
//
//go:embed completion/p2pnode.bash
var bashScript string

//go:embed completion/p2pnode.zsh
var zshScript string

//go:embed completion/p2pnode.fish
var fishScript string

const completionHelp = `Prints a script that completes commands, flags, trees, indexes and topics in a shell:

  bash  source <(p2pnode completion bash)
  zsh   source <(p2pnode completion zsh)
  fish  p2pnode completion fish | source`

// takesModel are the commands whose first argument is a model.
var takesModel = strings.Fields("ls get find watch put publish retract rm export import resolve holders stat")

// subcommands are the words that may follow a command.
var subcommands = map[string]string{
	"models": "list add remove fetch", "quarantine": "list export restore drop", "schema": "export compare",
	"completion": "bash zsh fish",
}

// completion returns the command "completion".
func (p program) completion(flags *flag.FlagSet) *ffcli.Command {
	return &ffcli.Command{
		Name:       "completion",
		ShortUsage: "p2pnode completion bash|zsh|fish",
		ShortHelp:  "print a script that completes commands in a shell",
		LongHelp:   completionHelp,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 && args[0] == "words" {
				// Nothing may be printed where somebody is typing, and nothing asked for.
				quiet := program{strings.NewReader(""), p.out, io.Discard, p.interrupts, p.dir}
				for _, word := range quiet.words(ctx, args[1:]) {
					if _, err := io.WriteString(p.out, word+"\n"); err != nil {
						return err
					}
				}
				return nil
			}
			args, err := arguments(flags, args, "completion takes bash, zsh or fish", 1, 1)
			if err != nil {
				return err
			}
			scripts := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}
			script, ok := scripts[args[0]]
			if !ok {
				return wrongWord("shell", args[0], []string{"bash", "zsh", "fish"})
			}
			_, err = io.WriteString(p.out, script)
			return err
		},
	}
}

// words returns what the last of the words of a command line may be.
func (p program) words(ctx context.Context, line []string) (all []string) {
	if len(line) == 0 {
		return nil
	}
	word, before := line[len(line)-1], line[:len(line)-1]
	root := p.root(io.Discard)
	var command *ffcli.Command
	var arguments []string
	for i := 0; i < len(before); i++ {
		name, isFlag := strings.CutPrefix(before[i], "-")
		switch {
		case isFlag:
			name = strings.TrimPrefix(name, "-")
			flags := root.FlagSet
			if command != nil {
				flags = command.FlagSet
			}
			if f := flags.Lookup(name); f != nil && !isSwitch(f) {
				if i++; i == len(before) {
					return nil // the value of a flag: the shell completes files
				}
				if name == "dir" {
					*p.dir = before[i]
				}
			}
		case command == nil:
			if command = named(root, before[i]); command == nil {
				return nil
			}
		default:
			arguments = append(arguments, before[i])
		}
	}
	switch {
	case command == nil && !strings.HasPrefix(word, "-"):
		for _, c := range root.Subcommands {
			all = append(all, c.Name)
		}
	case command == nil:
		all = flagNames(root.FlagSet)
	case strings.HasPrefix(word, "-"):
		all = flagNames(command.FlagSet)
	default:
		all = p.argumentWords(ctx, command.Name, arguments)
	}
	return beginningWith(word, all)
}

// argumentWords returns what the next argument of a command may be.
func (p program) argumentWords(ctx context.Context, command string, before []string) []string {
	switch {
	case len(before) == 0 && subcommands[command] != "":
		return strings.Fields(subcommands[command])
	case len(before) == 0 && slices.Contains(takesModel, command),
		len(before) == 1 && command == "models" && before[0] == "remove":
		return p.modelNames(ctx)
	case len(before) == 1 && command == "find":
		return p.indexNames(ctx, before[0])
	case len(before) == 0 && command == "sync":
		return p.topicNames(ctx)
	}
	return nil
}

// named returns the command with a name, nil if there is none.
func named(root *ffcli.Command, name string) *ffcli.Command {
	for _, c := range root.Subcommands {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// isSwitch reports whether a flag takes no value.
func isSwitch(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

func flagNames(flags *flag.FlagSet) (names []string) {
	flags.VisitAll(func(f *flag.Flag) { names = append(names, "-"+f.Name) })
	return names
}

func beginningWith(word string, all []string) (some []string) {
	for _, one := range all {
		if strings.HasPrefix(one, word) {
			some = append(some, one)
		}
	}
	return some
}

// modelNames returns the names of the models, in full, nothing if they cannot be had.
func (p program) modelNames(ctx context.Context) (names []string) {
	trees, err := p.knownModels(ctx)
	if err != nil {
		return nil
	}
	for _, t := range trees {
		names = append(names, t.Name)
	}
	return names
}

// indexNames returns the names of a model's indexes.
func (p program) indexNames(ctx context.Context, model string) (names []string) {
	trees, err := p.knownModels(ctx)
	if err != nil {
		return nil
	}
	for _, t := range trees {
		if _, own, _ := strings.Cut(t.Name, "."); t.Name == model || own == model {
			for _, ix := range t.Indexes {
				names = append(names, ix.Name)
			}
		}
	}
	return names
}

// topicNames returns the names of the topics of the node that runs, which is the one that can sync them.
func (p program) topicNames(ctx context.Context) (names []string) {
	n, err := p.openRunning(ctx)
	err = p.with(n, err, func(n *node) error {
		topics, err := n.Topics(ctx)
		for _, t := range topics {
			names = append(names, t.Name)
		}
		return err
	})
	if err != nil {
		return nil
	}
	return names
}
