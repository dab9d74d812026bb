// Command ipfs is the whole of Kubo, with Netabase stores as one more datastore:
//
//	go build ./cmd/ipfs
//	./ipfs init --profile netabase
package main

import (
	"os"

	"github.com/ipfs/kubo/cmd/ipfs/kubo"
	"github.com/ipfs/kubo/plugin/loader"

	netabase "github.com/newsnet-africa/netabase-go/kubo"
)

func init() { loader.Preload(netabase.Plugins...) }

func main() { os.Exit(kubo.Start(kubo.BuildDefaultEnv)) }
