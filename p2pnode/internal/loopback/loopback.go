// Package loopback has the addresses at which the control interface and the page may be served by
// TCP: those that no other machine reaches.
package loopback

import (
	"fmt"
	"net"
	"strconv"
)

// Address is a host on loopback and a port, or empty. It is the value of a flag that may stand alone:
// the system then chooses the port.
type Address string

// anyPort is the address of a flag that stands alone.
const anyPort = "127.0.0.1:0"

// String returns the address.
func (a *Address) String() string { return string(*a) }

// IsBoolFlag says that the flag may stand alone. An address stands behind "=" therefore.
func (a *Address) IsBoolFlag() bool { return true }

// Set checks and sets the address. The value of a flag that stands alone is "true".
func (a *Address) Set(value string) error {
	switch value {
	case "true":
		value = anyPort
	case "false":
		value = ""
	}
	if err := Address(value).Check(); err != nil {
		return err
	}
	*a = Address(value)
	return nil
}

// Check returns an error that says what is wrong with an address, if it is neither empty nor one of
// loopback.
func (a Address) Check() error {
	if a == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(string(a))
	if err != nil {
		return fmt.Errorf("%q is no address, as 127.0.0.1:8080 is", string(a))
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q has no port between 0 and 65535", string(a))
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is not an address of loopback, and others must not reach the control interface: "+
			"it is 127.0.0.1, [::1] or localhost, with a port", string(a))
	}
	return nil
}
