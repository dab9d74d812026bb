//go:build js

// Peer uses what the tables are for: it makes and checks a signature of secp256k1, and looks up a network.
package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"os"

	"github.com/libp2p/go-libp2p/core/crypto"

	asnutil "github.com/libp2p/go-libp2p-asn-util"
)

func main() {
	if err := run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("network", asnutil.AsnForIPv6(net.ParseIP("2600:1f00::1")))
}

func run() error {
	key, public, err := crypto.GenerateSecp256k1Key(rand.Reader)
	if err != nil {
		return err
	}
	data := bytes.Repeat([]byte("netabase"), 100)
	signature, err := key.Sign(data)
	if err != nil {
		return err
	}
	if ok, err := public.Verify(data, signature); !ok || err != nil {
		return fmt.Errorf("the signature is refused: %w", err)
	}
	if ok, _ := public.Verify(data[1:], signature); ok {
		return fmt.Errorf("the signature is taken for other data")
	}
	return nil
}
