package session

import "fmt"

// originNames are the origins as text.
var originNames = [...]string{Program: "program", DHT: "dht", Synced: "sync", Expired: "expiry", Evicted: "eviction"}

func (o Origin) String() string {
	if int(o) < len(originNames) {
		return originNames[o]
	}
	return fmt.Sprintf("origin %d", uint8(o))
}
