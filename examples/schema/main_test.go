package main

import (
	"os"
	"strings"
	"testing"
)

// TestFile checks that member.json is what the program prints.
func TestFile(t *testing.T) {
	var printed strings.Builder
	if err := run(&printed); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("member.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(file) != printed.String() {
		t.Errorf("go run ./examples/schema >examples/schema/member.json writes it:\n%s", printed.String())
	}
	if err := Club.Err(); err != nil {
		t.Error(err)
	}
}
