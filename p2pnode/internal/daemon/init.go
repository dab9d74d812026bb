package daemon

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/newfile"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/node"
)

// tokenSize is how many random bytes a token has.
const tokenSize = 32

// Init makes the directory of a node, with an identity, a token and a file of settings. Files that are
// there already stay. Made says that there was no identity.
func Init(dir string) (id peer.ID, made bool, err error) {
	if err := os.MkdirAll(config.Models(dir), 0o700); err != nil {
		return "", false, err
	}
	if _, err := os.Lstat(config.Identity(dir)); errors.Is(err, fs.ErrNotExist) {
		made = true
	}
	key, err := node.LoadKey(config.Identity(dir))
	if err != nil {
		return "", false, err
	}
	if _, err := loadToken(dir); err != nil {
		return "", false, err
	}
	if err := newfile.Write(config.File(dir), []byte(config.Example())); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", false, fmt.Errorf("settings: %w", err)
	}
	id, err = peer.IDFromPrivateKey(key)
	return id, made, err
}

// loadToken returns the token of the directory, and makes one if there is none.
func loadToken(dir string) (string, error) {
	token, err := Token(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	random := make([]byte, tokenSize)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	err = newfile.Write(config.Token(dir), []byte(hex.EncodeToString(random)+"\n"))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("token: %w", err)
	}
	return Token(dir)
}

// Token reads the token of a directory. The error matches fs.ErrNotExist if there is none.
func Token(dir string) (string, error) {
	name := config.Token(dir)
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if b, err := hex.DecodeString(token); err != nil || len(b) != tokenSize {
		return "", fmt.Errorf("token: %s has not %d hex digits: remove it, and p2pnode init makes another", name, 2*tokenSize)
	}
	return token, nil
}
