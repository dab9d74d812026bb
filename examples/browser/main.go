//go:build !js

// Browser is a shared board of notes in a web page. The page runs a Go program that keeps the notes in
// IndexedDB, and is a libp2p peer. The example builds it, starts two native peers on loopback, serves the
// page, and opens it. Open its address in another browser, and both show the same board.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where to serve the page")
	open := flag.Bool("open", true, "open the page in a browser")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen, *open); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listen string, open bool) (err error) {
	fmt.Println("building the page…")
	app, err := startApp(ctx, listen)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, app.close()) }()
	fmt.Println("the board is at", app.url)
	if open {
		if err := openURL(ctx, app.url); err != nil {
			fmt.Println("open it in a browser:", err)
		}
	}
	<-ctx.Done()
	return nil
}

// openURL opens a page in the user's browser.
func openURL(ctx context.Context, url string) error {
	switch runtime.GOOS {
	case "darwin":
		return exec.CommandContext(ctx, "open", url).Run()
	case "windows":
		return exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", url).Run()
	default:
		return exec.CommandContext(ctx, "xdg-open", url).Run()
	}
}
