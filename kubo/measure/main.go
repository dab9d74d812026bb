// Command measure times ipfs with repos on Netabase stores beside one on Kubo's own
// pebble datastore: the same program, the same files, one process for each command, in
// rounds in which every layout takes its turn. It prints the medians as a table.
//
//	go build -o ipfs ./cmd/ipfs
//	go run ./measure -ipfs ./ipfs -mb 300 -rounds 3
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := measure(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// rival is what the others are measured against.
var rival = ipfs.Layout{Name: "pebbleds", Profile: "pebbleds"}

func measure(ctx context.Context) error {
	program := flag.String("ipfs", "./ipfs", "the program, from cmd/ipfs")
	layout := flag.String("layout", "all", "what is measured beside pebbleds: badger, bolt, flatfs+badger or all")
	mb := flag.Int("mb", 300, "size of the files in MiB")
	rounds := flag.Int("rounds", 3, "how often everything is measured")
	room := flag.String("dir", "", "where the repos are made; a temporary directory if it is empty")
	flag.Parse()

	path, err := filepath.Abs(*program)
	if err != nil {
		return err
	}
	layouts, err := ipfs.Choose(*layout, ipfs.Ours)
	if err != nil {
		return err
	}
	layouts = append([]ipfs.Layout{rival}, layouts...)
	dir, err := os.MkdirTemp(*room, "ipfs-measure-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	files := filepath.Join(dir, "files")
	if err := ipfs.Files(files, *mb<<20, 1); err != nil {
		return err
	}
	found := results{}
	for round := range *rounds {
		for turn := range layouts {
			l := layouts[(turn+round)%len(layouts)]
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, *rounds, l.Name)
			room := filepath.Join(dir, "repos")
			if err := os.Mkdir(room, 0o755); err != nil {
				return err
			}
			run := run{
				node:  ipfs.Node{Program: path, Repo: filepath.Join(room, "repo")},
				other: ipfs.Node{Program: path, Repo: filepath.Join(room, "other")},
				files: files, room: room, layout: l, found: found,
			}
			if err := run.all(ctx); err != nil {
				return fmt.Errorf("%s: %w", l.Name, err)
			}
			if err := os.RemoveAll(room); err != nil {
				return err
			}
		}
	}
	found.print(os.Stdout, layouts)
	return nil
}
