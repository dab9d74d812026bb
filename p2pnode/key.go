package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/charmbracelet/x/term"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
)

const keyHelp = `An encrypted store needs its key: -key-file names a file of 32 bytes, or of 64 hex
digits; -passphrase asks for it, or reads a line of the input if that is no terminal.
Without these flags the settings of the node say it.`

const (
	// keySize is how many bytes a key file has, unless they are written in hex.
	keySize = 32
	// maxKeyFile and maxPassphrase bound how many bytes are read.
	maxKeyFile    = 1 << 10
	maxPassphrase = 1 << 10
)

// keyFlags are the flags that say with which key a store is encrypted.
type keyFlags struct {
	program
	file       string
	passphrase bool
	// prompt asks for the passphrase, and again, if set, for it once more: a mistake in a new
	// passphrase would lock the store for ever.
	prompt, again string
}

// keyFlags adds the flags of the key that a store has.
func (p program) keyFlags(flags *flag.FlagSet) *keyFlags {
	k := &keyFlags{program: p, prompt: "Passphrase: "}
	flags.StringVar(&k.file, "key-file", "", "the store is encrypted with the key in `FILE`")
	flags.BoolVar(&k.passphrase, "passphrase", false, "the store is encrypted with a passphrase, to be asked for")
	return k
}

// newKeyFlags adds the flags of the key that a store is to have.
func (p program) newKeyFlags(flags *flag.FlagSet) *keyFlags {
	k := &keyFlags{program: p, prompt: "New passphrase: ", again: "New passphrase again: "}
	flags.StringVar(&k.file, "new-key-file", "", "give the store the key in `FILE`")
	flags.BoolVar(&k.passphrase, "new-passphrase", false, "give the store a passphrase, to be asked for")
	return k
}

// key returns the key that the flags name, nil if they name none.
func (k *keyFlags) key(ctx context.Context) (datastore.Key, error) {
	switch {
	case k.file != "" && k.passphrase:
		return nil, usageError{errors.New("a store has a key file or a passphrase, not both")}
	case k.file != "":
		secret, err := readKeyFile(k.file)
		if err != nil {
			return nil, unusableError{fmt.Errorf("key-file: %w", err)}
		}
		return datastore.SecretKey(secret), nil
	case k.passphrase:
		secret, err := k.ask(ctx)
		if err != nil {
			return nil, err
		}
		return datastore.Passphrase(secret), nil
	}
	return nil, nil
}

// keyAt returns the key that the flags name, or otherwise the settings of the node in dir, if one is
// there. Its settings may be wrong: the store can be looked after nevertheless, with the flags.
func (k *keyFlags) keyAt(ctx context.Context, dir string) (datastore.Key, error) {
	if _, err := os.Stat(config.File(dir)); err == nil && k.file == "" && !k.passphrase {
		if cfg, err := loadConfig(dir); err == nil {
			k.file, k.passphrase = cfg.KeyFile, cfg.Passphrase
		}
	}
	return k.key(ctx)
}

// readKeyFile reads a key. The bytes of a faulty file are in no error.
func readKeyFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	if len(content) == keySize {
		return content, nil
	}
	key := make([]byte, keySize)
	digits := bytes.TrimSpace(content)
	if len(digits) == 2*keySize {
		if _, err := hex.Decode(key, digits); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%s is no key file: it has neither %d bytes nor %d hex digits", name, keySize, 2*keySize)
}

// ask asks for a passphrase on the terminal, or reads it from the input if that is none.
func (k *keyFlags) ask(ctx context.Context) ([]byte, error) {
	if f, ok := k.in.(*os.File); ok && term.IsTerminal(f.Fd()) {
		passphrase, err := k.askTerminal(ctx, f, k.prompt)
		if err != nil || k.again == "" {
			return passphrase, err
		}
		again, err := k.askTerminal(ctx, f, k.again)
		if err == nil && !bytes.Equal(passphrase, again) {
			err = unusableError{errors.New("the two passphrases differ")}
		}
		return passphrase, err
	}
	passphrase, err := readLine(k.in)
	if err != nil {
		return nil, unusableError{fmt.Errorf("read the passphrase: %w", err)}
	}
	return passphrase, nil
}

// readLine reads a line, and not a byte more.
func readLine(in io.Reader) (line []byte, err error) {
	b := make([]byte, 1)
	for len(line) <= maxPassphrase {
		if _, err := io.ReadFull(in, b); err != nil {
			if errors.Is(err, io.EOF) && len(line) > 0 {
				return line, nil
			}
			return nil, err
		}
		if b[0] == '\n' {
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		line = append(line, b[0])
	}
	return nil, fmt.Errorf("the line has more than %d bytes", maxPassphrase)
}

// askTerminal asks with echo switched off. An interrupt switches it on again.
func (k *keyFlags) askTerminal(ctx context.Context, terminal *os.File, prompt string) ([]byte, error) {
	before, err := term.GetState(terminal.Fd())
	if err != nil {
		return nil, unusableError{fmt.Errorf("read the passphrase: %w", err)}
	}
	fmt.Fprint(k.err, prompt)
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // it may read on after an interrupt, until the process ends
		line, err := term.ReadPassword(terminal.Fd())
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		fmt.Fprintln(k.err)
		if a.err != nil {
			return nil, unusableError{fmt.Errorf("read the passphrase: %w", a.err)}
		}
		return a.line, nil
	case <-ctx.Done():
		fmt.Fprintln(k.err)
		return nil, errors.Join(context.Cause(ctx), term.Restore(terminal.Fd(), before))
	}
}
