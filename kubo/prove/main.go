// Command prove shows that ipfs works on Netabase stores: it makes repos, adds,
// collects, kills processes in the middle of their work, lets two daemons find each
// other, and moves a repo. Nothing of it speaks to another machine.
//
//	go build -o ipfs ./cmd/ipfs
//	go run ./prove -ipfs ./ipfs -mb 200 -kills 10
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
	"github.com/newsnet-africa/netabase-go/kubo/internal/proof"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := prove(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(1)
	}
}

func prove(ctx context.Context) error {
	program := flag.String("ipfs", "./ipfs", "the program, from cmd/ipfs")
	layout := flag.String("layout", "all", "the layout to prove: badger, bolt, flatfs+badger or all")
	mb := flag.Int("mb", 200, "size of the files in MiB")
	kills := flag.Int("kills", 5, "how often a command and a daemon are killed")
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
	for _, l := range layouts {
		dir, err := os.MkdirTemp(*room, "ipfs-prove-")
		if err != nil {
			return err
		}
		start := time.Now()
		err = proof.Prove(ctx, dir, proof.Config{
			Program: path, Layout: l, MB: *mb, Kills: *kills,
			Log: func(step string) { fmt.Printf("%s %v: %s\n", l.Name, time.Since(start).Round(time.Second), step) },
		})
		if err != nil {
			return fmt.Errorf("%s, in %s: %w", l.Name, dir, err) // which is left to be looked at
		}
		fmt.Printf("%s %v: all as it should be\n", l.Name, time.Since(start).Round(time.Second))
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}
