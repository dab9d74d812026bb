package main

import (
	"context"
	"io"
)

func runLarge(ctx context.Context, args []string, out, notes io.Writer) error { return nil }
