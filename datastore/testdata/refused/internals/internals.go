// Package internals names the type that seals readers and writers.
package internals

import (
	"context"

	"github.com/newsnet-africa/netabase-go/internal/session" // want `use of internal package github\.com/newsnet-africa/netabase-go/internal/session not allowed`
	"github.com/newsnet-africa/netabase-go/models"
)

type own struct{}

func (own) BeginRead(ctx context.Context) (*session.Session, error) { return nil, nil }

var _ models.Reader = own{}
