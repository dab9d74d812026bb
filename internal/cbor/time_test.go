package cbor_test

import (
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/cbor"
)

// FuzzTime checks that times are told from other text as the time package does.
func FuzzTime(f *testing.F) {
	for _, text := range []string{
		"", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.1Z", "0000-01-01T00:00:00Z",
		"2024-02-29T23:59:59.123456789Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z",
		"2023-13-01T00:00:00Z", "2023-00-01T00:00:00Z", "2023-04-31T00:00:00Z", "2023-04-00T00:00:00Z",
		"2023-04-30T24:00:00Z", "2023-04-30T23:60:00Z", "2023-04-30T23:00:60Z", "2023-04-30T23:00:00.Z",
		"2023-04-30T23:00:00.10Z", "2023-04-30T23:00:00.0Z", "2023-04-30T23:00:00,1Z",
		"2023-04-30T23:00:00.1234567891Z", "2023-04-30T23:00:00+00:00", "2023-04-30t23:00:00Z",
		"2023-04-30T23:00:00z", "2023-04-30 23:00:00Z", "+023-04-30T23:00:00Z", "2023-04-30T23:00:0/Z",
		"2023-04-30T23:00:0:Z", "2023-04-30T23:00:00.1aZ", "2023-04-30T23:00:001Z",
		"2023-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z", "2023-04-30T23:00:00.1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var at time.Time
		want := at.UnmarshalText([]byte(text)) == nil && !at.IsZero() && at.UTC().Format(time.RFC3339Nano) == text
		if got := cbor.IsTime([]byte(text)); got != want {
			t.Fatalf("%q: got %v, want %v", text, got, want)
		}
	})
}
